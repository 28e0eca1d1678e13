import {createCipheriv, createHash, randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import type {GitProgram} from './git-program.ts';

interface Submodule {
  path: string;
  /** Absolute, or relative such as `../other`. */
  url: string;
  /** Default: the newest commit of the repository that the URL leads to in this cloud. */
  commit?: string;
}

export interface Commit {
  message?: string;
  /** Path to content; `undefined` deletes. */
  files?: Readonly<Record<string, string | Buffer | undefined>>;
  /** Added to those that are there. */
  submodules?: readonly Submodule[];
  /** Files that Git LFS keeps: only their pointers are committed. */
  lfs?: Readonly<Record<string, string | Buffer>>;
  /** Bytes of noise to add, in files of at most 8 MiB that don't compress. */
  size?: number;
}

export type RepositoryOptions = Commit & {
  /** Anybody may read it, without a credential. */
  public?: boolean;
};

/** Finds the repository that a URL leads to, for submodules. */
export type Locate = (url: string, from: Repository) => Repository | undefined;

const fileSize = 8 * 1024 * 1024;
const unknownCommit = '5ca1ab1e'.repeat(5);

/**
 * A bare repository, made on its first use: adding hundreds costs nothing until they are cloned.
 * `ready()` makes it now.
 */
export class Repository {
  readonly name: string;
  readonly project: string;
  readonly directory: string;
  /** Where it is reached over HTTPS. */
  readonly url: string;
  readonly isPublic: boolean;
  /** Answers 401 to every caller, while the other repositories of the organization serve. */
  isClosed = false;
  /** Contents of Git LFS objects by their SHA-256. */
  readonly lfsObjects = new Map<string, Buffer>();
  readonly #git: GitProgram;
  readonly #locate: Locate;
  readonly #submodules: {path: string; url: string}[] = [];
  readonly #first: Commit;
  #attributes = '';
  #head: Promise<string> | undefined;

  constructor({
    name,
    project,
    url,
    directory,
    git,
    locate,
    options,
  }: {
    name: string;
    project: string;
    url: string;
    directory: string;
    git: GitProgram;
    locate: Locate;
    options: RepositoryOptions;
  }) {
    this.name = name;
    this.project = project;
    this.url = url;
    this.directory = directory;
    this.isPublic = options.public ?? false;
    this.#git = git;
    this.#locate = locate;
    this.#first = options;
  }

  /** Resolves when the repository is on disk; returns its newest commit. */
  ready(): Promise<string> {
    this.#head ??= this.#create();
    return this.#head;
  }

  /** Adds a commit to `main`. @returns its id. */
  commit(commit: Commit): Promise<string> {
    const before = this.ready();
    this.#head = before.then(() => this.#import(commit, 'refs/heads/main^0'));
    return this.#head;
  }

  /** Returns the commit that a branch points to now, also after a push; `undefined` if the branch does not exist. */
  async branch(name = 'main'): Promise<string | undefined> {
    await this.ready();
    try {
      return await this.#git.run(['rev-parse', '--verify', '--quiet', `refs/heads/${name}`], this.directory);
    } catch {
      return undefined;
    }
  }

  async #create(): Promise<string> {
    // what `git init --bare` makes, without a process for it
    await Promise.all(
      ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags'].map((folder) =>
        mkdir(path.join(this.directory, folder), {recursive: true}),
      ),
    );
    await writeFile(path.join(this.directory, 'HEAD'), 'ref: refs/heads/main\n');
    await writeFile(
      path.join(this.directory, 'config'),
      `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tcompression = 0
[pack]
\tcompression = 0
\tthreads = 1
[http]
\treceivepack = true
\tgetanyfile = false
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
`,
    );
    return this.#import(this.#first, undefined);
  }

  async #linksOf(commit: Commit): Promise<{path: string; commit: string}[]> {
    const links: {path: string; commit: string}[] = [];
    for (const submodule of commit.submodules ?? []) {
      this.#submodules.push({path: submodule.path, url: submodule.url});
      const target = submodule.commit === undefined ? this.#locate(submodule.url, this) : undefined;
      links.push({
        path: submodule.path,
        commit: submodule.commit ?? (await target?.ready()) ?? unknownCommit,
      });
    }
    return links;
  }

  async #import(commit: Commit, from: string | undefined): Promise<string> {
    const files: Record<string, string | Buffer | undefined> = {...commit.files};
    for (const [file, content] of Object.entries(commit.lfs ?? {}))
      files[file] = this.#storeLfs(file, content);
    if (this.#attributes !== '' && commit.lfs) files['.gitattributes'] = this.#attributes;
    const links = await this.#linksOf(commit);
    if (links.length > 0) files['.gitmodules'] = describeSubmodules(this.#submodules);
    if (from === undefined && Object.keys(files).length === 0) files['README.md'] = `# ${this.name}\n`;
    const child = this.#git.start(['-C', this.directory, 'fast-import', '--quiet', '--depth=0', '--force']);
    const complaints: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
    child.stdout.resume();
    const closed = once(child, 'close');
    const write = async (chunk: string | Buffer): Promise<void> => {
      if (!child.stdin.write(chunk) && !child.stdin.destroyed)
        await Promise.race([once(child.stdin, 'drain'), closed]);
    };
    const message = Buffer.from(commit.message ?? 'Change');
    const who = `Cloud <cloud@example.org> ${Math.floor(Date.now() / 1000)} +0000`;
    await write(`commit refs/heads/main\nauthor ${who}\ncommitter ${who}\ndata ${message.length}\n`);
    await write(message);
    await write(`\n${from === undefined ? '' : `from ${from}\n`}`);
    for (const [file, content] of Object.entries(files)) {
      if (content === undefined) {
        await write(`D ${quote(file)}\n`);
        continue;
      }
      const bytes = Buffer.from(content);
      await write(`M 100644 inline ${quote(file)}\ndata ${bytes.length}\n`);
      await write(bytes);
      await write('\n');
    }
    for (const link of links) await write(`M 160000 ${link.commit} ${quote(link.path)}\n`);
    for (const [index, length] of lengths(commit.size ?? 0).entries()) {
      await write(
        `M 100644 inline ${quote(`noise/${String(index).padStart(4, '0')}.bin`)}\ndata ${length}\n`,
      );
      await writeNoise(length, write);
      await write('\n');
    }
    child.stdin.end('\n');
    const [status] = (await closed) as [number | null];
    if (status !== 0) throw new Error(`git fast-import failed: ${Buffer.concat(complaints).toString()}`);
    return (await readFile(path.join(this.directory, 'refs/heads/main'), 'utf8')).trim();
  }

  #storeLfs(file: string, content: string | Buffer): string {
    const bytes = Buffer.from(content);
    const id = createHash('sha256').update(bytes).digest('hex');
    this.lfsObjects.set(id, bytes);
    this.#attributes += `${file} filter=lfs diff=lfs merge=lfs -text\n`;
    return `version https://git-lfs.github.com/spec/v1\noid sha256:${id}\nsize ${bytes.length}\n`;
  }
}

function describeSubmodules(submodules: readonly {path: string; url: string}[]): string {
  return submodules
    .map(({path: place, url}) => `[submodule "${place}"]\n\tpath = ${place}\n\turl = ${url}\n`)
    .join('');
}

function quote(file: string): string {
  return `"${file.replace(/["\\]/g, String.raw`\$&`)}"`;
}

function lengths(size: number): number[] {
  const whole = Math.floor(size / fileSize);
  const rest = size % fileSize;
  return [...Array.from({length: whole}, () => fileSize), ...(rest > 0 ? [rest] : [])];
}

/** A cipher's stream is noise, and quicker to make than random bytes. */
async function writeNoise(length: number, write: (chunk: Buffer) => Promise<void>): Promise<void> {
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(256 * 1024);
  for (let left = length; left > 0; left -= zeros.length)
    await write(cipher.update(zeros.subarray(0, Math.min(left, zeros.length))));
}
