/** The command that git wants to run at the host. */
export interface RemoteCommand {
  /** `git-upload-pack`. */
  readonly program: string;
  /** Without its quotes. */
  readonly path: string;
  /** The command is byte for byte what git writes for this program and path. */
  readonly asGitWrites: boolean;
}

/**
 * Reads `program 'path'`. Git quotes the path for a shell: in single quotes, with `'` and `!` outside of them after a
 * backslash. Also reads other programs that name a repository (`git-lfs-authenticate path operation`), to explain why
 * they are denied. `undefined`: the command names no repository.
 * @see https://git-scm.com/docs/gitprotocol-pack#_ssh_transport
 */
export function parseRemoteCommand(command: string): RemoteCommand | undefined {
  if (/[\u0000-\u001f\u007f]/.test(command)) return undefined;
  const space = command.indexOf(' ');
  const program = command.slice(0, space);
  if (space === -1 || !/^[a-z-]+$/.test(program)) return undefined;
  const rest = command.slice(space + 1);
  const quoted = /^((?:'[^']*'|\\[!'])+)( [a-z]+)?$/.exec(rest)?.[1];
  if (quoted !== undefined) {
    const path = unquote(quoted);
    return {program, path, asGitWrites: command === `${program} ${quote(path)}`};
  }
  const bare = /^([^\s'"\\]+)(?: [a-z]+)?$/.exec(rest)?.[1];
  return bare === undefined ? undefined : {program, path: bare, asGitWrites: false};
}

function unquote(quoted: string): string {
  return quoted.replaceAll(
    /'([^']*)'|\\(.)/g,
    (_, inside: string | undefined, escaped: string | undefined) => inside ?? escaped ?? '',
  );
}

/** Quotes as git does. */
function quote(path: string): string {
  return `'${path.replaceAll(/['!]/g, (character) => `'\\${character}'`)}'`;
}
