import {basename} from 'node:path';
import {printable} from '../../text/printable.ts';
import type {Context} from '../context.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {usageError} from '../command-error.ts';

/** Runs `orgkey completion`: prints a script for the shell that calls `orgkey --complete`. */
export async function completion(
  {shell}: {readonly shell?: string | undefined},
  {terminal, environment}: Context,
): Promise<ExitCode> {
  const name = shell ?? basename(environment['SHELL'] ?? '');
  const script = SCRIPTS[name];
  if (script === undefined)
    throw usageError(
      `cannot complete for the shell ${printable(name, 40) || '(unknown)'}`,
      'name bash, zsh or fish: orgkey completion bash',
    );
  terminal.write(script);
  return EXIT.ok;
}

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# source <(orgkey completion bash)
_orgkey() {
  local IFS=$'\\n'
  COMPREPLY=($(orgkey --complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _orgkey orgkey
`,
  zsh: `#compdef orgkey
# source <(orgkey completion zsh)
_orgkey() {
  local -a found
  found=("\${(@f)$(orgkey --complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a found
}
compdef _orgkey orgkey
`,
  fish: `# orgkey completion fish | source
complete -c orgkey -f -a '(orgkey --complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
};
