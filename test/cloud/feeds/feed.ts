import {createHash} from 'node:crypto';
import {gzipSync} from 'node:zlib';

/** The packages of one feed, whatever kind they are. */
export class Feed {
  /** By name, then by version: the tarball and its manifest. */
  readonly npm = new Map<string, Map<string, {readonly manifest: object; readonly bytes: Buffer}>>();
  /** By normalized name, then by the name of the file. */
  readonly pypi = new Map<string, Map<string, Buffer>>();
  /** By path. */
  readonly maven = new Map<string, Buffer>();
  /** By name: the lines of the index, and the bytes by version. */
  readonly cargo = new Map<string, {readonly lines: object[]; readonly crates: Map<string, Buffer>}>();
}

/** A feed, and its address in the form of the request. */
export interface FeedPlace {
  readonly feed: Feed;
  /** `https://pkgs.dev.azure.com/contoso/_packaging/tools` */
  readonly base: string;
}

export function sha1(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex');
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Makes a tar file, compressed. */
export function tarball(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const content = Buffer.from(text);
    const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    content.copy(padded);
    return [tarHeader(name, content.length), padded];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        0', 148);
  header.write('ustar\0', 257);
  header.write('00', 263);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
