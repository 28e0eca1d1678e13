// usage, as root on a disposable machine with its own systemd: node inside-attack.ts APP SCENARIO
// Prints its findings as one line of JSON.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {askForCredential as ask} from '../helpers/ask-for-credential.ts';
import {
  mainPid,
  modes,
  type Name,
  PAT,
  play,
  prepareMachine,
  type Ran,
  run,
  systemctl,
  tree,
} from '../helpers/inside-machine.ts';

const [app = '', scenario = ''] = process.argv.slice(2);
const gitSocket = '/run/orgkey/git.sock';
const scope = '/run/orgkey/scoped/team-a';

await prepareMachine(join(app, 'dist'));
await play({attack}, scenario);

/** What a member of the group, a client of a scoped socket and another user try against the machine's service. */
async function attack() {
  writeFileSync(
    '/etc/orgkey/config.yaml',
    `integrations: {azure: [{credentials: [{organizations: [contoso], personalAccessToken: ${PAT}}]}]}
orgkey: {sockets: [{name: team-a, organizations: [contoso], mode: "0660", group: builders}]}
`,
    {mode: 0o600},
  );
  // this makes the group of the configuration
  await orgkey(['setup', '--system']);
  await run('root', ['chgrp', 'orgkey-config', '/etc/orgkey/config.yaml']);
  await run('root', ['chmod', '640', '/etc/orgkey/config.yaml']);
  const installed = await orgkey(['setup', '--system']);
  await run('root', ['usermod', '--append', '--groups', 'orgkey', 'member']);
  await systemctl('restart', 'orgkey.service');
  const first = await ask(gitSocket, 'contoso');
  const before = await tree();
  const attackers = ['member', 'builder', 'alone'] as const;
  const succeeded: Record<string, readonly string[]> = {};
  for (const who of attackers) succeeded[who] = await tryAll(who);
  const changed = [...(await tree())].filter((line) => !before.has(line));
  const flooded: Record<string, string> = {
    main: await underFlood('member', gitSocket, () => ask(`${scope}/git.sock`, 'contoso')),
    scoped: await underFlood('builder', `${scope}/git.sock`, () => ask(gitSocket, 'contoso')),
    'the same socket': await underFlood('builder', `${scope}/git.sock`, () =>
      ask(`${scope}/git.sock`, 'contoso'),
    ),
  };
  // in the time between, a name must not be free to take
  await systemctl('stop', 'orgkey.socket', 'orgkey-team-a.socket', 'orgkey.service');
  const squatted: string[] = [];
  for (const who of attackers)
    for (const path of [gitSocket, '/run/orgkey/control', '/run/orgkey/grants', '/run/orgkey2'])
      if ((await run(who, ['mkdir', path])).code === 0) squatted.push(`${who} ${path}`);
  await systemctl('start', 'orgkey.socket', 'orgkey-team-a.socket');
  return {
    installed: installed.code,
    first,
    succeeded,
    changed,
    flooded,
    squatted,
    afterwards: [await ask(gitSocket, 'contoso'), await ask(`${scope}/git.sock`, 'contoso')],
    socket: await modes([gitSocket]),
  };
}

/** Returns the commands that this user could run with success. */
async function tryAll(who: Name): Promise<readonly string[]> {
  const pid = await mainPid();
  const directories = ['', '/control', '/ssh', '/grants', '/scoped', '/scoped/team-a', '/scoped/team-a/ssh'];
  const attempts = [
    ...[...directories.map((name) => `/run/orgkey${name}`), '/var/lib/orgkey', '/etc/orgkey'].flatMap(
      (directory) => [
        `touch ${directory}/x`,
        `ln -s /etc/passwd ${directory}/x`,
        `mkfifo ${directory}/x`,
        `mkdir ${directory}/x`,
        `mv -T ${directory} ${directory}.old`,
        `chmod 777 ${directory}`,
      ],
    ),
    ...['git.sock', 'control/control.sock', 'control/lock', 'scoped/team-a/git.sock'].flatMap((name) => [
      `rm -f /run/orgkey/${name}`,
      `mv -T /run/orgkey/${name} /run/orgkey/${name}.old`,
      `ln -f /run/orgkey/${name} /run/orgkey/grants/x`,
      `chmod 666 /run/orgkey/${name}`,
      `cat /run/orgkey/${name}`,
    ]),
    ...['gitconfig', 'submodules.gitconfig', 'git-credential-orgkey', 'orgkey-ssh'].flatMap((name) => [
      `rm -f ${scope}/${name}`,
      `truncate -s 100G ${scope}/${name}`,
      `echo x >> ${scope}/${name}`,
    ]),
    'ls /run/orgkey/grants',
    `ls ${scope}/ssh`,
    `cat /proc/${pid}/environ`,
    `cat /proc/${pid}/maps`,
    `head -c 1 /proc/${pid}/mem`,
    `ls /proc/${pid}/fd`,
    `kill -USR1 ${pid}`,
    `kill -TERM ${pid}`,
    'systemctl stop orgkey.service',
    'cat /etc/orgkey/config.yaml',
    'cat /var/lib/orgkey/audit.jsonl',
  ];
  const script = attempts.map((attempt) => `(${attempt}) </dev/null >/dev/null 2>&1 && echo '${attempt}'`);
  const {stdout} = await run(who, ['sh', '-c', script.join('\n')]);
  return stdout.split('\n').filter((line) => line !== '');
}

/** Returns what others are answered while a user keeps 3,000 connections that ask nothing. */
async function underFlood(who: Name, socket: string, act: () => Promise<string>): Promise<string> {
  const program = `
    const {connect} = require('node:net');
    const wait = () => new Promise((resolve) => {
      const client = connect({path: '${socket}'}).on('error', resolve).on('connect', resolve).on('close', resolve);
    });
    Promise.all(Array.from({length: 3000}, wait)).then(() => console.log('flooded'));
`;
  const command = [join(app, 'node'), '-e', program];
  const child = spawn('setpriv', ['--reuid', who, '--regid', who, '--init-groups', '--', ...command]);
  await once(child.stdout, 'data');
  const answer = await act();
  child.kill('SIGKILL');
  return answer;
}

function orgkey(args: readonly string[]): Promise<Ran> {
  return run('root', [join(app, 'node'), join(app, 'dist/main.js'), ...args]);
}
