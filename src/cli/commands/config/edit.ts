import {spawn} from 'node:child_process';
import {readFile, rm} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {replaceFile} from '../../../files/replace-file.ts';
import {printable} from '../../../text/printable.ts';
import {shellWord} from '../../../text/quote-for-shell.ts';
import {CommandError, usageError} from '../../command-error.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {fileToChange} from '../../locate.ts';
import {loadFor, reportProblems, requireTaken} from '../../read-configuration.ts';
import {noConfiguration} from './path.ts';
import {writeNew} from '../../../files/write-new.ts';

/** Runs `orgkey config edit` on a copy, which replaces the configuration if it is valid. */
export async function edit(options: Places, context: Context): Promise<ExitCode> {
  const path = fileToChange(options, context);
  if (path === undefined) throw noConfiguration();
  // in the same directory, so that relative paths in it mean the same
  const draft = join(dirname(path), `.${basename(path)}.edit`);
  const was = await readFile(path);
  await makeDraft(draft, was);
  const next = await editUntilValid({draft, path}, options, context).catch(async (error: unknown) => {
    await rm(draft, {force: true});
    throw error;
  });
  if (next === undefined || next.equals(was)) {
    await rm(draft, {force: true});
    context.terminal.say(next === undefined ? 'the configuration was not changed' : 'nothing was changed');
    return next === undefined ? EXIT.badConfiguration : EXIT.ok;
  }
  await replaceFile(path, {was, next, mode: 0o600, owner: 'kept'}).catch((error: unknown) => {
    context.terminal.say(`your text is in ${printable(draft)}`);
    throw error;
  });
  await rm(draft, {force: true});
  context.terminal.say(`wrote ${printable(path)}`);
  await requireTaken(path, options, context);
  return EXIT.ok;
}

/** An existing draft may hold text that another editor is writing, or that could not be saved. */
async function makeDraft(draft: string, text: Uint8Array): Promise<void> {
  if (await writeNew(draft, text)) return;
  throw usageError(
    `${printable(draft)} exists: the configuration is being edited`,
    `if no editor has it open, save what you need from it, then: rm ${shellWord(draft)}`,
  );
}

/** Returns the new text. `undefined`: the configuration is to stay as it was. */
async function editUntilValid(
  {draft, path}: {readonly draft: string; readonly path: string},
  options: Places,
  context: Context,
): Promise<Buffer | undefined> {
  const {terminal} = context;
  for (;;) {
    await runEditor(draft, context);
    const text = await readFile(draft);
    const loaded = await loadFor({...options, config: path}, context, {content: text});
    if (loaded.kind === 'loaded') return text;
    reportProblems('error', loaded.problems, context);
    if (!terminal.isInteractive) return undefined;
    const answer = await terminal.ask('Edit again (y), or discard the changes (n)', 'y');
    if (!answer.toLowerCase().startsWith('y')) return undefined;
  }
}

/** `$EDITOR` may contain arguments, so the shell takes it apart; the path is passed as one word. */
function runEditor(path: string, {environment}: Context): Promise<void> {
  const editor = environment['VISUAL'] || environment['EDITOR'] || 'vi';
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', path], {
      stdio: 'inherit',
      env: environment,
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new CommandError(EXIT.unhealthy, `the editor failed: ${printable(editor, 100)}`, {
            hint: 'name another one in EDITOR',
          }),
        );
    });
  });
}
