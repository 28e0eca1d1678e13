import {TIME_BUDGET} from '../../time-budget.ts';
import type {ToolAnswer} from '../ask-daemon.ts';
import {Credentials} from './find-credential.ts';
import {answerHandshake, ourHandshake} from './handshake.ts';
import {readMessage, writeMessage, type Message, type Payload} from './message.ts';

interface World {
  /** Writes whole lines. */
  readonly write: (text: string) => void;
  /** Ends the plugin with this exit code. */
  readonly end: (code: number) => void;
  /** Ends the plugin when that process does. Returns whether there is one. */
  readonly endWith: (pid: number) => boolean;
}

/** NuGet's side of one process: it asks, we answer, several requests at a time. */
export class NugetPlugin {
  readonly #world: World;
  readonly #credentials = new Credentials();
  readonly #underWay = new Set<string>();
  #lastId = 0;
  readonly #handshake = this.#newId();
  /** `undefined`: NuGet wants no messages yet. */
  #logLevel: number | undefined;
  #progressEvery: number = TIME_BUDGET.toolProgress;

  constructor(world: World) {
    this.#world = world;
  }

  /** Both sides begin: a plugin that only answers would wait for a client that does the same. */
  begin(): void {
    this.#send({id: this.#handshake, type: 'Request', method: 'Handshake'}, ourHandshake);
  }

  receive(line: string): void {
    const message = readMessage(line);
    if (message === undefined) return;
    switch (message.type) {
      case 'Request':
        return this.#answer(message);
      case 'Cancel':
        return this.#cancel(message);
      case 'Response':
        if (message.id === this.#handshake && message.payload.text('ResponseCode')?.toLowerCase() === 'error')
          this.#world.end(1);
        return;
      case 'Progress':
      case 'Fault':
    }
  }

  #answer(message: Message): void {
    const {method, payload} = message;
    switch (method.toLowerCase()) {
      case 'handshake':
        return this.#respond(message, answerHandshake(payload));
      case 'initialize':
        this.#progressEvery = Math.min(
          this.#progressEvery,
          (secondsIn(payload.text('RequestTimeout')) * 1000) / 2,
        );
        return this.#respond(message, success);
      case 'monitornugetprocessexit':
        return this.#respond(message, this.#monitor(payload) ? success : {ResponseCode: 'Error'});
      case 'setloglevel':
        this.#logLevel = levelOf(payload.text('LogLevel'));
        return this.#respond(message, success);
      case 'setcredentials':
        return this.#respond(message, success);
      case 'getoperationclaims':
        return this.#respond(message, {Claims: claimsFor(payload)});
      case 'getauthenticationcredentials':
        void this.#authenticate(message);
        return;
      case 'close':
        return this.#world.end(0);
      default:
        this.#send({...message, type: 'Fault'}, {Message: `orgkey does not know the method ${method}`});
    }
  }

  #monitor(payload: Payload): boolean {
    const pid = payload.value('ProcessId');
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && this.#world.endWith(pid);
  }

  /** NuGet gives up a request that it hears nothing of. */
  async #authenticate(message: Message): Promise<void> {
    const {id, payload} = message;
    const address = payload.text('Uri');
    this.#underWay.add(id);
    const timer = setInterval(() => {
      if (this.#underWay.has(id)) this.#send({...message, type: 'Progress'}, {});
    }, this.#progressEvery);
    const answer: ToolAnswer =
      address === undefined
        ? {kind: 'none'}
        : await this.#credentials.find(address, payload.isSet('IsRetry') ? 'refused' : 'unknown');
    clearInterval(timer);
    if (!this.#underWay.delete(id)) return;
    if (answer.kind === 'failed' || answer.kind === 'uncovered') this.#explain(answer);
    this.#respond(message, describe(answer));
  }

  #cancel(message: Message): void {
    if (this.#underWay.delete(message.id)) this.#send(message, undefined);
  }

  /** NuGet shows no message of an answer, but those of its log. */
  #explain({error, hint}: {readonly error: string; readonly hint: string | undefined}): void {
    if (this.#logLevel === undefined || this.#logLevel > MINIMAL) return;
    for (const text of [`orgkey: error: ${error}`, ...(hint === undefined ? [] : [`orgkey: hint: ${hint}`])])
      this.#send({id: this.#newId(), type: 'Request', method: 'Log'}, {LogLevel: 'Minimal', Message: text});
  }

  /** Unique among our requests of this process: NuGet only compares it. */
  #newId(): string {
    this.#lastId += 1;
    return `00000000-0000-4000-8000-${String(this.#lastId).padStart(12, '0')}`;
  }

  #respond(message: Message, payload: object): void {
    this.#send({...message, type: 'Response'}, payload);
  }

  #send(message: Pick<Message, 'id' | 'type' | 'method'>, payload: object | undefined): void {
    this.#world.write(writeMessage(message, payload));
  }
}

const success = {ResponseCode: 'Success'};

/** Authentication is asked for without a source. The answer is kept for a month: it never depends on anything else. */
function claimsFor(payload: Payload): string[] {
  const isAgnostic =
    payload.value('PackageSourceRepository') === undefined && payload.value('ServiceIndex') === undefined;
  return isAgnostic ? ['Authentication'] : [];
}

function describe(answer: ToolAnswer): object {
  switch (answer.kind) {
    case 'credential':
      return {
        Username: answer.username,
        Password: answer.password,
        AuthenticationTypes: ['Basic'],
        ResponseCode: 'Success',
      };
    case 'none':
    case 'uncovered':
      return {ResponseCode: 'NotFound'};
    case 'failed':
      return {Message: `orgkey: ${answer.error}`, ResponseCode: 'Error'};
  }
}

const LEVELS = ['debug', 'verbose', 'information', 'minimal', 'warning', 'error'] as const;
const MINIMAL = 3;

function levelOf(name: string | undefined): number {
  const found = LEVELS.findIndex((level) => level === name?.toLowerCase());
  return found === -1 ? MINIMAL : found;
}

/** Reads `00:00:05`. */
function secondsIn(text: string | undefined): number {
  const [, hours, minutes, seconds] = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(text ?? '') ?? [];
  if (seconds === undefined) return Infinity;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}
