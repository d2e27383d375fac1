// The files in dropped or chosen folders.

// Suffixes of music and of results; a file that is dropped by itself is sent whatever it is called.
const MUSIC = new Set(
  `aac aif aifc aiff alac ape au caf flac json m4a mka mp2 mp3 mp4 oga ogg opus wav webm wma wv`
    .split(" "),
);

// The music and results among files; left: number of the others, without hidden files.
export function listMusic(files) {
  const seen = files.filter((file) => !isHidden(file));
  const music = seen.filter((file) => {
    const suffix = file.name.toLowerCase().split(".").pop();
    return MUSIC.has(suffix) || file.type.startsWith("audio/");
  });
  return { music, left: seen.length - music.length };
}

// The music in a chosen folder, in the order of its names.
export function listChosen(files) {
  return listMusic([...files].sort((a, b) => compare(a.webkitRelativePath, b.webkitRelativePath)));
}

// All files of a drop, those in folders with their subfolders. left: files that are no music.
export async function listDropped(transfer) {
  // The browser empties the transfer as soon as its event has been handled.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const dropped = items.map((item) => ({
    entry: item.webkitGetAsEntry ? item.webkitGetAsEntry() : null,
    file: item.getAsFile(),
  }));
  const files = [];
  let left = 0;
  for (const { entry, file } of dropped) {
    if (entry && entry.isDirectory) {
      const found = listMusic(await listFolder(entry));
      files.push(...found.music);
      left += found.left;
    } else if (file) {
      files.push(file);
    }
  }
  return { files, left };
}

async function listFolder(folder) {
  const entries = await readAll(folder.createReader());
  entries.sort((a, b) => compare(a.name, b.name));
  const files = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory) files.push(...(await listFolder(entry)));
    else files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
  }
  return files;
}

function isHidden({ name, webkitRelativePath }) {
  return (webkitRelativePath || name).split("/").some((part) => part.startsWith("."));
}

function compare(a, b) {
  return a.localeCompare(b, undefined, { numeric: true });
}

// A reader gives at most 100 entries at a time.
async function readAll(reader) {
  const entries = [];
  for (;;) {
    const more = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!more.length) return entries;
    entries.push(...more);
  }
}
