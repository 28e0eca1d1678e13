import {defineCommand, flag, text, type Command} from './command.ts';
import {json, service, system} from './shared-options.ts';

export const daemonCommands: readonly Command[] = [
  defineCommand({
    usage: 'logs',
    summary: "show the daemon's log",
    options: {
      follow: {...flag('keep printing new lines'), alias: 'f'},
      lines: {...text('print only the last lines', 'COUNT'), alias: 'n'},
      since: text('leave older lines out: 2h, or 2026-11-21T08:00', 'TIME'),
      audit: flag('show the audit trail instead: one JSON line per credential handed out'),
      json: flag('print the lines as JSON for programs'),
    },
    examples: [
      {command: 'orgkey logs --follow'},
      {command: 'orgkey logs -n 20 --since 2h'},
      {command: 'orgkey logs --audit', note: 'works without a running daemon'},
    ],
    run: async (options, context) => (await import('../commands/logs.ts')).logs(options, context),
  }),
  defineCommand({
    usage: 'metrics',
    summary: "print the daemon's metrics in Prometheus' format",
    options: {},
    run: async (options, context) => (await import('../commands/metrics.ts')).metrics(options, context),
  }),
  defineCommand({
    usage: 'cache clear',
    summary: 'drop all tokens from memory, and forget what was rejected',
    options: {},
    run: async (options, context) =>
      (await import('../commands/cache/clear.ts')).clearCache(options, context),
  }),
  defineCommand({
    usage: 'service install',
    summary: 'install and start the background service',
    options: {service, system},
    run: async (options, context) =>
      (await import('../commands/service/install.ts')).install(options, context),
  }),
  defineCommand({
    usage: 'service uninstall',
    summary: 'stop and remove the background service',
    options: {service, system},
    run: async (options, context) =>
      (await import('../commands/service/uninstall.ts')).uninstall(options, context),
  }),
  orderToService('start', 'start the daemon'),
  orderToService('stop', 'stop the daemon after it has answered what is under way'),
  orderToService('restart', 'stop and start the daemon'),
  defineCommand({
    usage: 'service status',
    summary: 'show whether the background service runs',
    options: {service, system, json},
    run: async (options, context) =>
      (await import('../commands/service/status.ts')).showStatus(options, context),
  }),
  defineCommand({
    usage: 'daemon',
    summary: 'run the daemon in the foreground',
    description:
      'It prints one line, ready PATH, when every socket serves. SIGHUP reloads the configuration; SIGTERM answers what is under way, and ends the daemon.',
    options: {
      'log-level': {
        ...text('the least important level that is logged', 'LEVEL'),
        choices: ['error', 'warn', 'info', 'debug'],
        default: 'info',
      },
      'log-format': {
        ...text('the form of the log; default: what fits where stderr goes', 'FORMAT'),
        choices: ['json', 'journal', 'text'],
      },
    },
    examples: [{command: 'orgkey daemon --config app-config.yaml --log-level debug'}],
    run: async () => (await import('../commands/daemon.ts')).daemon(),
  }),
];

function orderToService(what: 'start' | 'stop' | 'restart', summary: string): Command {
  return defineCommand({
    usage: `service ${what}`,
    summary,
    options: {service, system},
    run: async (options, context) =>
      (await import('../commands/service/order.ts')).order(what, options, context),
  });
}
