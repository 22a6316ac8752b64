"""The proof sheet: one HTML file in which a reading is checked against its source and corrected.

`crops.py` keeps the staves' images while pages are read, `sheet.py` puts them beside the reading,
which `staff_mei.py`, `marks.py` and `aligning.py` engrave under it, and `page.py` writes the file;
`proof.py` does all of it for one piece.
"""
