// The schemas of everything that orgkey prints as JSON. docs.ts writes them to docs/json; a test validates real output.

import {SCHEMA_VERSION} from '../../src/control/control-protocol.ts';
import {AUDIT_VERSION, CLIENT_EVENTS, DAEMON_EVENTS} from '../../src/daemon/record/audit-entry.ts';

type Schema = Readonly<Record<string, unknown>>;

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

const text: Schema = {type: 'string'};
const count: Schema = {type: 'integer', minimum: 0};
const flag: Schema = {type: 'boolean'};
const fingerprint: Schema = {
  type: 'string',
  description: 'A keyed hash of the token; it changes with each daemon.',
};
const isoTime: Schema = {type: 'string', format: 'date-time'};
const milliseconds: Schema = {type: 'number', minimum: 0, description: 'In milliseconds.'};
const place: Schema = {type: 'string', description: 'FILE:LINE:COLUMN'};
const texts = listOf(text);

const problem = object({place, message: text, hint: text}, ['message']);
const failure = object({code: text, message: text, hint: text}, ['code', 'message']);

const lock = object({
  organization: text,
  path: {...text, description: 'What git asked for when the credential was rejected.'},
  covers: {enum: ['organization', 'repository']},
  until: isoTime,
});

const organization = {
  host: text,
  organization: {...text, description: 'Missing for the fallback of the host.'},
  identity: {...text, description: 'For people to read.'},
  kind: text,
  place,
};

const gateway = object(
  {
    name: text,
    path: text,
    listen: {...text, description: '127.0.0.1:PORT, if it listens there.'},
    repositories: texts,
    push: texts,
    deletions: flag,
    lfs: flag,
    requests: object({carried: count, denied: count, failed: count, underWay: count}),
    bytes: object({sent: count, received: count}),
  },
  ['name', 'path', 'repositories', 'push', 'deletions', 'lfs', 'requests', 'bytes'],
);

/** Returns each schema by its file name below docs/json. */
export function jsonSchemas(): Readonly<Record<string, Schema>> {
  return {
    'status.schema.json': command('orgkey status --json', status()),
    'doctor.schema.json': command('orgkey doctor --json', {
      healthy: flag,
      diagnostics: listOf(
        object(
          {
            group: text,
            title: text,
            outcome: {enum: ['ok', 'warning', 'failed', 'skipped']},
            detail: text,
            repair: {...text, description: 'Present with the outcomes warning and failed.'},
            commands: {
              ...listOf(text),
              description: 'The parts of the repair that can be run as they are, in this order.',
            },
            advice: {
              ...listOf(text),
              description: 'The parts of the repair that only a person can do, or has to complete.',
            },
          },
          ['group', 'title', 'outcome', 'detail'],
        ),
      ),
    }),
    'which.schema.json': command(
      'orgkey which URL --json',
      {
        url: {...text, description: 'Missing if an organization was named.'},
        host: text,
        organization: text,
        configuration: text,
        rule: object({place, by: {enum: ['name', 'fallback']}}, ['place', 'by']),
        identity: text,
        kind: text,
        tenant: text,
        answer: {
          enum: ['bearer', 'basic', 'password', 'stored-login', 'failure', 'nothing'],
          description:
            'basic: Authorization: Basic. password: user name and password, for a git before 2.46. nothing: git asks its next helper.',
        },
        detail: {...text, description: 'The answer for people to read.'},
        ownHeader: {
          ...text,
          description: 'An Authorization header that git sends instead of asking: key, file and line.',
        },
        sockets: texts,
        locks: {...listOf(lock), description: 'Missing if no daemon answers.'},
        asSubmodule: {
          enum: ['grant', 'deny', 'pass'],
          description: 'pass: git runs your own ssh.',
        },
        submoduleDetail: {...text, description: 'The same for people to read.'},
        gateways: listOf(object({name: text, push: texts}, ['name', 'push'])),
        atTheTop: text,
        overHttps: text,
      },
      ['host', 'configuration'],
    ),
    'token.schema.json': command(
      'orgkey token ORGANIZATION --json',
      {token: text, form: {enum: ['access-token', 'pat']}, expiresAt: isoTime, username: text},
      ['token', 'form', 'username'],
    ),
    'org-list.schema.json': command('orgkey org list --json', {
      organizations: listOf(object(organization, ['host', 'identity', 'kind', 'place'])),
    }),
    'tools-list.schema.json': command('orgkey tools list --json', {
      tools: listOf(
        object(
          {
            name: text,
            program: {...text, description: 'Missing if it is not on the PATH.'},
            state: {enum: ['asks orgkey', 'incomplete', 'does not ask']},
            problems: texts,
            rivals: {...texts, description: 'What the tool would take before it asks orgkey.'},
            files: texts,
          },
          ['name', 'state', 'problems', 'rivals', 'files'],
        ),
      ),
    }),
    'gateway-list.schema.json': command('orgkey gateway list --json', {gateways: listOf(gateway)}),
    'org-test.schema.json': command('orgkey org test --json, orgkey login ORGANIZATION --json', {
      organizations: listOf(
        object(
          {
            organization: text,
            identity: text,
            kind: text,
            outcome: {enum: ['accepted', 'rejected', 'failed', 'unchecked']},
            user: text,
            expiresAt: isoTime,
            code: text,
            message: text,
            hint: text,
          },
          ['organization', 'identity', 'kind', 'outcome'],
        ),
      ),
    }),
    'ssh-key-list.schema.json': command('orgkey ssh-key list --json', {
      keys: listOf(
        object(
          {
            organizations: texts,
            host: text,
            place,
            savedAt: isoTime,
            type: text,
            size: count,
            fingerprint: text,
            problem: text,
          },
          ['organizations', 'host'],
        ),
      ),
    }),
    'config-check.schema.json': command('orgkey config check --json', {
      source: text,
      valid: flag,
      problems: listOf(problem),
      warnings: listOf(problem),
    }),
    'config-show.schema.json': command('orgkey config show --json', {
      source: text,
      credentials: listOf({
        ...object({host: text, organizations: texts, place, kind: text}, ['host', 'organizations', 'kind']),
        description: 'With the fields of its kind; secrets are "[redacted]".',
        additionalProperties: true,
      }),
      orgkey: {type: 'object', description: 'The settings in force, with every default.'},
    }),
    'service-status.schema.json': command(
      'orgkey service status --json',
      {kind: text, installed: flag, state: text, pid: count, reason: text},
      ['kind', 'installed', 'state'],
    ),
    'error.schema.json': command('Any command with --json that fails', {error: failure}),
    'audit-line.schema.json': command(
      'A line of audit.jsonl, and of orgkey logs --audit',
      {
        time: isoTime,
        boot: {...text, description: 'Names one run of the daemon.'},
        seq: {
          ...count,
          description: 'Counts the lines of a file in one run from 1. The number of a lost line is missing.',
        },
        event: {enum: [...CLIENT_EVENTS, ...DAEMON_EVENTS]},
        outcome: text,
        socket: {...text, description: 'daemon: the event is one of the daemon itself.'},
        id: {
          ...text,
          description:
            'Of the request, as in the log, and as client-request-id of a token request that it caused.',
        },
        uid: {...count, description: 'Of the client, if the system tells.'},
        pid: {...count, description: 'Of the client, if the system tells.'},
        host: text,
        organization: text,
        path: text,
        tool: {...text, description: 'What asked, if not git: cargo, pip.'},
        feed: {...text, description: 'FEED or PROJECT/FEED, with its view.'},
        identity: text,
        kind: text,
        source: text,
        fingerprint,
        issuerRequest: {
          ...text,
          description: 'The client-request-id of the token request that brought this token, or failed.',
        },
        activity: {...text, description: 'The name that Azure DevOps gave to a request of a gateway.'},
        expires: isoTime,
        operation: text,
        refs: texts,
        sent: count,
        received: count,
        added: {...texts, description: 'Of an event configuration: credentials, submodule keys, sockets.'},
        changed: texts,
        removed: texts,
        reason: text,
        duration: milliseconds,
        times: {
          ...count,
          description: 'How many more events like this one the last minute had, or how many lines were lost.',
        },
      },
      ['boot', 'seq', 'time', 'event', 'outcome', 'socket'],
      AUDIT_VERSION,
    ),
    'log-line.schema.json': document(
      'A line of orgkey logs --json, and of the log if it is neither a terminal nor a journal',
      {
        ...object({time: isoTime, level: {enum: ['error', 'warn', 'info', 'debug']}, message: text}),
        description: 'With details of the event, such as socket, organization and ms.',
        additionalProperties: true,
      },
    ),
    'control-answers.schema.json': document(
      'What the daemon answers on its control channel, by method. The command line and the daemon must have the same version.',
      object(controlAnswers(), []),
    ),
  };
}

function status(): Record<string, Schema> {
  return {
    version: text,
    pid: count,
    startedAt: isoTime,
    health: {enum: ['ok', 'warning', 'error']},
    notices: listOf(
      object(
        {
          level: {enum: ['warning', 'error']},
          about: {enum: ['audit', 'configuration', 'organization', 'clock', 'socket']},
          organizations: {...texts, description: 'Those that share this cause.'},
          message: text,
          hint: text,
        },
        ['level', 'message'],
      ),
    ),
    configuration: object(
      {
        source: text,
        inForce: {enum: ['current', 'previous', 'kept', 'none']},
        loadedAt: isoTime,
        warnings: listOf(problem),
        problems: listOf(problem),
      },
      ['source', 'inForce', 'warnings', 'problems'],
    ),
    sockets: listOf(object({name: text, path: text, organizations: texts}, ['name', 'path'])),
    gateways: listOf(gateway),
    organizations: listOf(
      object(
        {
          ...organization,
          state: {enum: ['none', 'ok', 'refreshing', 'failed']},
          health: {
            enum: ['ok', 'warning', 'error'],
            description:
              'error: git gets no credential that works. warning: it gets one, but something is wrong.',
          },
          expiresAt: isoTime,
          credentialExpiresAt: {...isoTime, description: 'The end of the client certificate.'},
          fingerprint,
          requests: count,
          lastFailure: failure,
        },
        ['host', 'identity', 'kind', 'place', 'state', 'health', 'requests'],
      ),
    ),
    locks: {
      ...listOf(lock),
      description: 'What gets an explanation instead of a credential now, because Azure DevOps rejected one.',
    },
    requests: object({served: count, passed: count, failed: count, medianMs: milliseconds}, [
      'served',
      'passed',
      'failed',
    ]),
    memory: object({residentBytes: count}),
    clockSkew: {
      type: 'number',
      description: 'How far this clock is ahead of the last server’s, in milliseconds.',
    },
    environment: {type: 'object', additionalProperties: text},
  };
}

const OPTIONAL_IN_STATUS: readonly string[] = ['clockSkew'];

function controlAnswers(): Record<string, Schema> {
  const failed = object({kind: {const: 'failed'}, code: text, message: text, hint: text}, [
    'kind',
    'code',
    'message',
  ]);
  const answers = status();
  return {
    status: object(answers, requiredOf(answers)),
    ping: object({pid: count}),
    reload: object({problems: listOf(problem)}),
    clear: object({dropped: count}),
    token: {
      anyOf: [
        object(
          {
            kind: {const: 'token'},
            form: {enum: ['access-token', 'pat']},
            token: text,
            expiresAt: isoTime,
            username: text,
            host: text,
          },
          ['kind', 'form', 'token', 'username', 'host'],
        ),
        failed,
      ],
    },
    logs: object({lines: texts}),
    metrics: object({text}),
    login: {
      anyOf: [
        object({kind: {const: 'signed-in'}, account: text, expiresAt: isoTime}, ['kind', 'account']),
        failed,
      ],
    },
    flush: object({isWritten: flag}),
    answer: object({isTaken: flag}),
    logout: object({wasSignedIn: flag}),
  };
}

/** Returns the schema of a command's output, with its version. */
function command(
  title: string,
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = requiredOf(properties),
  version = SCHEMA_VERSION,
): Schema {
  return document(
    title,
    object({schemaVersion: {const: version}, ...properties}, ['schemaVersion', ...required]),
  );
}

function requiredOf(properties: Readonly<Record<string, Schema>>): string[] {
  return Object.keys(properties).filter((name) => !OPTIONAL_IN_STATUS.includes(name));
}

function document(title: string, schema: Schema): Schema {
  return {$schema: DRAFT, title, ...schema};
}

function object(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = Object.keys(properties),
): Schema {
  return {type: 'object', properties, required};
}

function listOf(items: Schema): Schema {
  return {type: 'array', items};
}
