import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Configuration, SocketSettings} from '../../config/configuration.ts';
import {CLIENT_SCRIPTS, nameBesideSocket, type ClientScript} from '../../places/client-scripts.ts';
import {submoduleInclude} from '../../git/git-include.ts';
import {partsOfKey} from '../../git/seen-settings.ts';
import {helperValue, type Setting} from '../../git/setting.ts';
import {addressesOf, directorySpellings} from '../../organization/addresses.ts';
import {lowerName} from '../../organization/organization.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {messageOf} from '../../text/orgkey-error.ts';
import type {Log} from '../record/log.ts';
import {placeFile} from './place-file.ts';

/** The place at which a container mounts the directory of a scoped socket. */
const MOUNTED = '/run/orgkey';
const GITCONFIG = 'gitconfig';
const SUBMODULES = 'submodules.gitconfig';

/** Our scripts: in the folder of the built program, or in that of a checkout, where they share files. */
const FRAGMENTS = ['find-daemon.sh', 'say.sh', 'ask-for-tool.sh'];
const OF_GIT: readonly ClientScript[] = ['git-credential-orgkey', 'orgkey-ssh'];
const OF_TOOLS = CLIENT_SCRIPTS.filter((script) => !OF_GIT.includes(script));
const [scriptDirectory = ''] = ['.', '../../shell']
  .map((folder) => join(import.meta.dirname, folder))
  .filter((folder) => existsSync(join(folder, 'git-credential-orgkey')));

/**
 * Places everything that a container needs beside git and a scoped socket into the socket's directory: our scripts, and
 * git's settings for the organizations of the socket, with the paths of the container. `directory`: the runtime directory.
 */
export function placeClientFiles(directory: string, configuration: Configuration, log: Log): void {
  for (const socket of configuration.settings.sockets) {
    try {
      placeBeside(join(directory, 'scoped', socket.name), socket, configuration);
    } catch (error) {
      log('warn', `socket ${socket.name}: its clients do not find all files beside it: ${messageOf(error)}`);
    }
  }
}

function placeBeside(
  directory: string,
  socket: Pick<SocketSettings, 'organizations'>,
  configuration: Pick<Configuration, 'bindings' | 'settings'>,
): void {
  // the mount may belong to a user whom the container does not know, and may forbid to run programs
  const ours = `ORGKEY_RUNTIME_DIR=${MOUNTED} ORGKEY_NO_START=1`;
  const helper = helperValue(`${MOUNTED}/git-credential-orgkey`).replace(
    '!',
    `!${ours.replace(' ', '; ')}; `,
  );
  const {conditions} = submoduleInclude({wrapper: `${MOUNTED}/orgkey-ssh`, path: `${MOUNTED}/${SUBMODULES}`});
  const hasKey = configuration.settings.submodules.some(({organizations}) =>
    organizations.some((name) => socket.organizations.includes(lowerName(name))),
  );
  const includes = conditions.map(([key, value]) => ({key, value}));
  const settings = [...credentialSettings(socket, configuration, helper), ...(hasKey ? includes : [])];
  const submodules = [
    {key: 'core.sshCommand', value: `${ours} sh ${MOUNTED}/orgkey-ssh`},
    {key: 'ssh.variant', value: 'ssh'},
  ];
  placeScripts(directory, [...FRAGMENTS, ...OF_GIT]);
  placeFile(join(directory, SUBMODULES), textOf(submodules), 0o644);
  placeFile(join(directory, GITCONFIG), textOf(settings), 0o644);
  // last: the units of an earlier version made no files for them in a directory of root's
  placeScripts(directory, OF_TOOLS);
}

function placeScripts(directory: string, names: readonly string[]): void {
  for (const name of names) {
    const script = join(scriptDirectory, name);
    if (existsSync(script))
      placeFile(join(directory, nameBesideSocket(name)), readFileSync(script, 'utf8'), 0o755);
  }
}

function credentialSettings(
  {organizations}: Pick<SocketSettings, 'organizations'>,
  {bindings}: Pick<Configuration, 'bindings'>,
  helper: string,
): Setting[] {
  const named = bindings.flatMap((binding) =>
    binding.organizations
      .filter((name) => organizations.includes(lowerName(name)))
      .map((name) => ({host: binding.host, name})),
  );
  const others = organizations.filter((one) => !named.some(({name}) => lowerName(name) === one));
  const all = [...named, ...others.map((name) => ({host: SERVICES_HOST, name}))];
  const hosts = [...new Set(all.map(({host}) => host))];
  return [
    ...hosts
      .flatMap(directorySpellings)
      .map((host) => ({key: `credential.https://${host}.useHttpPath`, value: 'true'})),
    ...all
      .flatMap(({host, name}) => addressesOf(host, name))
      .flatMap((url) => ['', helper].map((value) => ({key: `credential.${url}.helper`, value}))),
  ];
}

/** Returns settings in the form of git's files. */
function textOf(settings: readonly Setting[]): string {
  const sections = settings.map(({key, value}) => {
    const {section, between, name} = partsOfKey(key);
    const title = between === undefined ? section : `${section} ${quoted(between)}`;
    return `[${title}]\n\t${name} = ${quoted(value)}\n`;
  });
  return sections.join('');
}

function quoted(text: string): string {
  return `"${text.replaceAll(/[\\"]/g, String.raw`\$&`)}"`;
}
