import type {DaemonCommand} from './machine.ts';
import {unsafeVariables, daemonWords} from './node-flags.ts';
import {STOP_SECONDS} from './stop-limits.ts';
import type {Environment} from '../text/environment.ts';

export const launchdLabel = 'dev.orgkey.daemon';

/** The variables that the daemon needs to reach the network: launchd does not pass on those of the shell. */
const networkVariables = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'NODE_EXTRA_CA_CERTS'] as const;

/**
 * Returns a launchd job that starts at login and is kept alive. It does not use launchd's socket activation, which needs
 * native code.
 */
export function launchdPlist(daemon: DaemonCommand, environment: Environment, logFile: string): string {
  const job = {
    Label: launchdLabel,
    ProgramArguments: [
      '/usr/bin/env',
      ...unsafeVariables.flatMap((name) => ['-u', name]),
      ...daemonWords(daemon),
    ],
    EnvironmentVariables: Object.fromEntries(
      networkVariables.flatMap((name) => {
        const value = environment[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    RunAtLoad: true,
    KeepAlive: true,
    ThrottleInterval: 1,
    ExitTimeOut: STOP_SECONDS,
    ProcessType: 'Interactive',
    Umask: 0o077,
    HardResourceLimits: {Core: 0},
    SoftResourceLimits: {NumberOfFiles: 8192},
    WorkingDirectory: '/',
    StandardOutPath: logFile,
    StandardErrorPath: logFile,
  };
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${element(job)}
</plist>
`;
}

type Value = string | number | boolean | readonly string[] | {readonly [key: string]: Value};

function element(value: Value, indent = ''): string {
  if (typeof value === 'string') return `<string>${escaped(value)}</string>`;
  if (typeof value === 'number') return `<integer>${value}</integer>`;
  if (typeof value === 'boolean') return `<${value}/>`;
  const deeper = `${indent}  `;
  const [tag, items] = isList(value)
    ? ['array', value.map((item) => element(item, deeper))]
    : ['dict', Object.entries(value).flatMap(([key, item]) => [`<key>${key}</key>`, element(item, deeper)])];
  return [`<${tag}>`, ...items.map((item) => `${deeper}${item}`), `${indent}</${tag}>`].join('\n');
}

function isList(value: readonly string[] | {readonly [key: string]: Value}): value is readonly string[] {
  return Array.isArray(value);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
