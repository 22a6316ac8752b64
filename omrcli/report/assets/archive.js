// Files given to the user: one of text, or many in a zip archive without compression.

function saveFile(name, parts, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, number) => {
  for (let bit = 0; bit < 8; bit++) number = number & 1 ? (number >>> 1) ^ 0xedb88320 : number >>> 1;
  return number >>> 0;
});

function checksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// Numbers of 2 or 4 bytes, the least first: a string such as "422" says how many each has.
function pack(sizes, ...values) {
  const view = new DataView(new ArrayBuffer([...sizes].reduce((sum, size) => sum + Number(size), 0)));
  let at = 0;
  [...sizes].forEach((size, n) => {
    if (size === "2") view.setUint16(at, values[n], true);
    else view.setUint32(at, values[n], true);
    at += Number(size);
  });
  return new Uint8Array(view.buffer);
}

// A zip archive of [name, bytes] pairs, as the pieces of a Blob.
function makeZip(files) {
  const pieces = [], directory = [];
  let offset = 0;
  const DATE = 0x21, UTF8 = 0x0800; // 1 January 1980
  for (const [path, bytes] of files) {
    const name = new TextEncoder().encode(path), crc = checksum(bytes), size = bytes.length;
    const fields = [UTF8, 0, 0, DATE, crc, size, size, name.length];
    pieces.push(pack("42222244422", 0x04034b50, 20, ...fields, 0), name, bytes);
    directory.push(pack("42222224442222244", 0x02014b50, 20, 20, ...fields, 0, 0, 0, 0, 0, offset), name);
    offset += 30 + name.length + size;
  }
  const length = directory.reduce((sum, piece) => sum + piece.length, 0);
  const end = pack("42222442", 0x06054b50, 0, 0, files.length, files.length, length, offset, 0);
  return [...pieces, ...directory, end];
}

function imageBytes(staff) {
  const text = atob(staff.image.slice(staff.image.indexOf(",") + 1));
  return Uint8Array.from(text, (sign) => sign.charCodeAt(0));
}

// Staves as a PrIMuS corpus: a folder each with its image and its tokens.
function corpusFiles(chosen) {
  const suffix = data.hasScore ? "semantic" : "agnostic";
  return chosen.filter((staff) => staff.tokens.length).flatMap((staff) => {
    const line = staff.tokens.map((token) => token.text).join("\t") + "\n";
    return [
      [`${staff.name}/${staff.name}.${staff.kind}`, imageBytes(staff)],
      [`${staff.name}/${staff.name}.${suffix}`, new TextEncoder().encode(line)]];
  });
}
