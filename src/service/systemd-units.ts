import type {SocketSettings} from '../config/configuration.ts';
import {machineReaders} from '../places/machine-configuration.ts';
import {daemonNodeFlags, unsafeVariables} from './node-flags.ts';
import type {DaemonCommand} from './machine.ts';
import {STOP_SECONDS} from './stop-limits.ts';

/** One file of systemd's. */
export interface UnitFile {
  readonly name: string;
  readonly text: string;
}

export type UnitScope = 'user' | 'system';

/**
 * `full`: as measured. `without-namespaces`: for user managers on kernels that forbid unprivileged user
 * namespaces, where a unit that asks for one fails with status 217, 218 or 226.
 */
export type Sandbox = 'full' | 'without-namespaces';

export const serviceUnit = 'orgkey.service';
export const gitSocketUnit = 'orgkey.socket';
/** The user and group of the system service. */
export const systemUser = 'orgkey';
export const systemRuntimeDirectory = '/run/orgkey';
export const systemStateDirectory = '/var/lib/orgkey';

export function scopedSocketUnit({name}: Pick<SocketSettings, 'name'>): string {
  return `orgkey-${name}.socket`;
}

/** Why systemd can't serve these sockets, as a sentence; `undefined` where it can. */
export function refuseSockets(sockets: readonly SocketSettings[], scope: UnitScope): string | undefined {
  for (const {name, group} of sockets) {
    if (group !== undefined && scope === 'user') {
      return `the group ${group} of the socket ${name} could not reach it: no group enters /run/user. Use the system service for it`;
    }
  }
  return undefined;
}

/** The files for systemd's user manager, whose sockets lie in `$XDG_RUNTIME_DIR/orgkey`. */
export function userUnits(daemon: DaemonCommand, sandbox: Sandbox = 'full'): readonly UnitFile[] {
  return [
    {name: gitSocketUnit, text: userSocket({unit: 'git.sock', name: 'git', mode: 0o600})},
    ...daemon.sockets.map((socket) => ({
      name: scopedSocketUnit(socket),
      text: userSocket({unit: `scoped/${socket.name}/git.sock`, name: socket.name, mode: socket.mode}),
    })),
    {name: serviceUnit, text: userService(daemon, sandbox)},
  ];
}

/** The files for systemd itself, whose sockets lie in `/run/orgkey`. The user `orgkey` has to exist. */
export function systemUnits(daemon: DaemonCommand): readonly UnitFile[] {
  return [
    {
      name: gitSocketUnit,
      text: systemSocket({unit: 'git.sock', name: 'git', mode: 0o660, group: systemUser}),
    },
    ...daemon.sockets.map((socket) => ({
      name: scopedSocketUnit(socket),
      text: systemSocket({
        unit: `scoped/${socket.name}/git.sock`,
        name: socket.name,
        mode: socket.mode,
        group: socket.group ?? systemUser,
      }),
    })),
    {name: serviceUnit, text: systemService(daemon)},
  ];
}

/** For `sysusers.d`: makes the user that the system service runs as, and the group that gives it its configuration. */
export const sysusersFile = `u ${systemUser} - "orgkey credential daemon" ${systemStateDirectory}
g ${machineReaders} -
`;

interface SocketUnit {
  /** Below the runtime directory. */
  readonly unit: string;
  /** What the daemon finds it by, in LISTEN_FDNAMES. */
  readonly name: string;
  readonly mode: number;
}

function userSocket({unit, name, mode}: SocketUnit): string {
  // 0711: in such a directory git's own cache daemon refuses to start, so it can't take the path
  return socketFile(name, [
    `ListenStream=%t/orgkey/${unit}`,
    `SocketMode=${octal(mode)}`,
    'DirectoryMode=0711',
  ]);
}

function systemSocket({unit, name, mode, group}: SocketUnit & {readonly group: string}): string {
  // The directories stay root's: in one that orgkey could write to, root's chown could be led elsewhere.
  // 0700 on them would leave a socket that nobody can reach
  return socketFile(name, [
    `ListenStream=${systemRuntimeDirectory}/${unit}`,
    `SocketMode=${octal(mode)}`,
    `SocketUser=${systemUser}`,
    `SocketGroup=${escaped(group)}`,
    'DirectoryMode=0755',
    ...grantDirectory(grantPath(name), group),
  ]);
}

/**
 * Where the sockets of grants lie. The daemon cannot give them to a group that it is not in, and that its namespace
 * does not know: the directory does, by its setgid bit.
 */
function grantDirectory(path: string, group: string): readonly string[] {
  return [
    `ExecStartPost=install -d -o ${systemUser} -g ${quoted(escaped(group))} -m 2711 ${path}`,
    `ExecStopPost=rm -rf ${path}`,
  ];
}

/** Not `ssh` for the main socket: only the daemon may enter that directory. */
function grantPath(name: string): string {
  return name === 'git' ? `${systemRuntimeDirectory}/grants` : `${systemRuntimeDirectory}/scoped/${name}/ssh`;
}

function socketFile(name: string, lines: readonly string[]): string {
  return `[Unit]
Description=orgkey: ${name === 'git' ? "git's credential requests" : `the scoped socket ${name}`}
Documentation=man:orgkey(1)

[Socket]
${lines.join('\n')}
FileDescriptorName=${name}
Service=${serviceUnit}
Backlog=4096
RemoveOnStop=yes
# systemd's default of 20 starts in 2 seconds takes the socket down, and git then finds nobody
TriggerLimitIntervalSec=0

[Install]
WantedBy=sockets.target
`;
}

function userService(daemon: DaemonCommand, sandbox: Sandbox): string {
  const args = ['--runtime-dir', '%t/orgkey', '--state-dir', escaped(daemon.stateDirectory)];
  const namespaces = `# Without it a person's manager cannot drop capabilities, and half of what follows fails with status 218
PrivateUsers=yes
# All is read-only but what is named; az keeps its own sign-in up to date
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths=${quoted(`-${escaped(daemon.stateDirectory)}`)} -%t/orgkey/scoped -%h/.azure
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
CapabilityBoundingSet=
`;
  return `${serviceHead(daemon.sockets)}
[Service]
${execution(daemon, args)}
# The shell's variables don't come here: proxies and the like go into this file
EnvironmentFile=-%h/.config/orgkey/env
RuntimeDirectory=orgkey/control orgkey/ssh
RuntimeDirectoryMode=0700

${sandbox === 'full' ? namespaces : '# This kernel forbids unprivileged user namespaces, and all that needs one is left out\n'}${hardening}
[Install]
WantedBy=default.target
`;
}

function systemService(daemon: DaemonCommand): string {
  const args = ['--runtime-dir', systemRuntimeDirectory, '--state-dir', systemStateDirectory];
  const grants = [{name: 'git'}, ...daemon.sockets].map(({name}) => `-${grantPath(name)}`);
  return `${serviceHead(daemon.sockets)}
[Service]
User=${systemUser}
Group=${systemUser}
SupplementaryGroups=${machineReaders}
${execution(daemon, args)}
EnvironmentFile=-/etc/orgkey/env
# Not orgkey itself: what is named here is deleted at each stop, git.sock with it
RuntimeDirectory=orgkey/control orgkey/ssh
RuntimeDirectoryMode=0700
ConfigurationDirectory=orgkey
StateDirectory=orgkey
StateDirectoryMode=0700

ProtectSystem=strict
ReadWritePaths=${grants.join(' ')}
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
PrivateUsers=yes
PrivateIPC=yes
PrivateMounts=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectProc=invisible
ProcSubset=pid
CapabilityBoundingSet=
AmbientCapabilities=
RemoveIPC=yes
${hardening}
[Install]
WantedBy=multi-user.target
`;
}

function serviceHead(sockets: readonly SocketSettings[]): string {
  const scoped = sockets.map((socket) => ` ${scopedSocketUnit(socket)}`).join('');
  return `[Unit]
Description=orgkey: one key per organization for git
Documentation=man:orgkey(1)
Requires=${gitSocketUnit}
Wants=${gitSocketUnit}${scoped}
After=${gitSocketUnit}${scoped}
StartLimitIntervalSec=60
StartLimitBurst=30
`;
}

function execution(daemon: DaemonCommand, args: readonly string[]): string {
  const config = daemon.configFile === undefined ? [] : ['--config', escaped(daemon.configFile)];
  const words = [
    escaped(daemon.node),
    ...daemonNodeFlags,
    escaped(daemon.main),
    'daemon',
    ...args,
    ...config,
  ];
  const sockets = [gitSocketUnit, ...daemon.sockets.map(scopedSocketUnit)];
  // The colon keeps systemd from reading $ in paths
  return `Type=exec
ExecStart=:${words.map(quoted).join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
Sockets=${sockets.join(' ')}
# SIGTERM to the daemon alone: it answers what is in flight, and for that its children have to live
KillMode=mixed
TimeoutStopSec=${STOP_SECONDS}
Restart=on-failure
RestartSec=100ms
UnsetEnvironment=${unsafeVariables.join(' ')}`;
}

/** Not MemoryDenyWriteExecute: Node compiles at run time. AF_NETLINK lists the network interfaces, which node-ipc does. */
const hardening = `UMask=0077
LimitCORE=0
LimitNOFILE=16384
MemorySwapMax=0
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @obsolete
SystemCallErrorNumber=EPERM
`;

/** A `%` would be a specifier. */
function escaped(text: string): string {
  return text.replaceAll('%', '%%');
}

/** One word of a command line or a list. @see https://www.freedesktop.org/software/systemd/man/systemd.syntax.html */
function quoted(word: string): string {
  if (/^[\w%@/.,:=+-]+$/.test(word)) return word;
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
