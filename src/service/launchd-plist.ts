import {daemonNodeFlags, unsafeVariables} from './node-flags.ts';
import type {DaemonCommand, Environment} from './machine.ts';
import {STOP_SECONDS} from './stop-limits.ts';

export const launchdLabel = 'dev.orgkey.daemon';

/** What launchd does not pass on from the shell, and the daemon needs to reach the network. */
const networkVariables = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'NODE_EXTRA_CA_CERTS'] as const;

/** A job for launchd: started at login, kept alive. Its socket activation would need native code. */
export function launchdPlist(daemon: DaemonCommand, environment: Environment, logFile: string): string {
  const args = [
    '/usr/bin/env',
    ...unsafeVariables.flatMap((name) => ['-u', name]),
    daemon.node,
    ...daemonNodeFlags,
    daemon.main,
    'daemon',
    '--runtime-dir',
    daemon.runtimeDirectory,
    '--state-dir',
    daemon.stateDirectory,
    ...(daemon.configFile === undefined ? [] : ['--config', daemon.configFile]),
  ];
  const variables = networkVariables.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [`    <key>${name}</key>\n    ${string(value)}`];
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  ${string(launchdLabel)}
  <key>ProgramArguments</key>
  <array>
${args.map((arg) => `    ${string(arg)}`).join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables.join('\n')}
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>ThrottleInterval</key>
  <integer>1</integer>
  <key>ExitTimeOut</key>
  <integer>${STOP_SECONDS}</integer>
  <key>ProcessType</key>
  <string>Interactive</string>
  <key>Umask</key>
  <integer>63</integer>
  <key>HardResourceLimits</key>
  <dict>
    <key>Core</key>
    <integer>0</integer>
  </dict>
  <key>SoftResourceLimits</key>
  <dict>
    <key>NumberOfFiles</key>
    <integer>8192</integer>
  </dict>
  <key>WorkingDirectory</key>
  <string>/</string>
  <key>StandardOutPath</key>
  ${string(logFile)}
  <key>StandardErrorPath</key>
  ${string(logFile)}
</dict>
</plist>
`;
}

function string(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<string>${escaped}</string>`;
}
