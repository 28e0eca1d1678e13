import {randomUUID} from 'node:crypto';
import type {IncomingMessage, ServerResponse} from 'node:http';
import {Transform, type Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {answerReason, type Reason} from './answer-client.ts';
import type {Carried} from './carried.ts';
import type {ClientRequest} from './door/client-request.ts';
import type {Failure} from './carry-failures.ts';
import {ClientBody} from './client-body.ts';
import {downstreamHeaders} from './headers.ts';
import {printable} from '../text/printable.ts';
import type {PushHead} from './rule/push-commands.ts';
import {pushReport, type DeniedRefs} from './rule/push-report.ts';
import type {Denial, Operation} from './rule/operation.ts';
import type {Supplied} from './supply.ts';

/** One request on its way: what is known of it, and how it is answered. It is answered once, whatever happens. */
export class Journey {
  readonly id = randomUUID();
  readonly client: ClientRequest;
  operation: Operation | undefined;
  /** The commands of a push, as soon as they are known. */
  push: PushHead | undefined;
  /** What Azure DevOps answered. */
  status: number | undefined;
  /** The name that Azure DevOps gave to the request. */
  activity: string | undefined;
  readonly #gone = new AbortController();
  readonly #now: () => number;
  readonly #start: number;
  readonly #credentials: Extract<Supplied, {kind: 'credential'}>[] = [];
  #body: ClientBody | undefined;
  #outcome: Carried['outcome'] = 'failed';
  #code: string | undefined;
  #sent = 0;
  #received = 0;

  constructor(client: ClientRequest, now: () => number) {
    this.client = client;
    this.#now = now;
    this.#start = now();
    client.response.once('close', () => this.#gone.abort());
  }

  /** Aborts when the client has gone, or was answered. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get body(): ClientBody {
    this.#body ??= new ClientBody(this.client.request);
    return this.#body;
  }

  uses(credential: Extract<Supplied, {kind: 'credential'}>): void {
    this.#credentials.push(credential);
  }

  /** The rule or the form says no. */
  deny({code, message, hint}: Denial): void {
    this.#outcome = 'denied';
    this.#answer({code, status: 403, message, hint});
  }

  /** Denies a push, each ref with its reason. */
  async denyPush(denied: DeniedRefs): Promise<void> {
    this.#outcome = 'denied';
    this.#code = 'ERR_GATEWAY_PUSH';
    const reasonFor = (ref: string) => denied.get(ref) ?? 'not sent: another ref of this push is denied';
    await this.#report(reasonFor, {
      status: 403,
      message: `this push is outside the rule of the gateway (${this.#code})`,
      hint: 'ask for the refs to be added to `push` of the gateway',
    });
  }

  /** Azure DevOps, or the way there, failed. Never rejects. */
  async fail(reason: Failure): Promise<void> {
    this.#outcome = 'failed';
    this.#code = reason.code;
    const {message} = reason;
    if (this.push !== undefined) return this.#report(() => `${message} (${reason.code})`, reason);
    await this.#readToEnd();
    this.#answer(reason);
  }

  /** Answers a request that was carried out although its answer is made here. */
  async succeed(type: string, body: Buffer): Promise<void> {
    this.#outcome = 'carried';
    await this.#readToEnd();
    this.#respond(type, body);
  }

  /** Hands on the answer of Azure DevOps, as fast as the client takes it. */
  async relay(answer: IncomingMessage): Promise<void> {
    const {response} = this.client;
    response.writeHead(answer.statusCode ?? 502, downstreamHeaders(answer.headers));
    const gather = gatherWrites(response);
    // the pipeline pauses the answer; another stream in between would cost time for each piece
    answer.on('data', (chunk: Buffer) => {
      gather();
      this.#received += chunk.length;
    });
    await pipeline(answer, response);
    this.#outcome = 'carried';
  }

  /** Counts what goes to Azure DevOps. */
  counted(body: Readable): Readable {
    const count = new Transform({
      transform: (chunk: Buffer, _encoding, next) => {
        this.#sent += chunk.length;
        next(null, chunk);
      },
    });
    // the error reaches the request that reads from `count`
    pipeline(body, count).catch(() => undefined);
    return count;
  }

  /** The body went to Azure DevOps before the client asked for it. */
  sentAhead(bytes: number): void {
    this.#sent += bytes;
  }

  /** Ends the journey: erases its credentials. Returns what became of it. */
  finish(): Carried {
    for (const {authorization} of this.#credentials) authorization.erase();
    const {operation} = this;
    const repository = operation?.repository;
    const credential: Partial<Extract<Supplied, {kind: 'credential'}>> = this.#credentials.at(-1) ?? {};
    return {
      id: this.id,
      operation: kindOf(operation),
      host: repository?.host ?? this.client.host,
      organization: repository?.organization,
      repository: repository && `${repository.organization}/${repository.project}/${repository.repository}`,
      identity: credential.identity,
      fingerprint: credential.fingerprint,
      issuerRequest: credential.issuerRequest,
      activity: this.activity,
      refs: this.push?.commands.slice(0, MAX_REFS).map(({ref}) => ref) ?? [],
      outcome: this.#outcome,
      code: this.#code,
      status: this.status,
      sent: this.#sent,
      received: this.#received,
      duration: this.#now() - this.#start,
    };
  }

  /** Git reads the answer when it has sent everything. */
  async #readToEnd(): Promise<void> {
    await this.#body?.drain().catch(() => undefined);
  }

  async #report(reasonFor: (ref: string) => string, reason: Reason): Promise<void> {
    await this.#readToEnd();
    const lines = reason.hint === undefined ? [] : [`hint: ${printable(reason.hint, 500)}`];
    const report =
      this.push && pushReport(this.push, {reasonFor: (ref) => printable(reasonFor(ref), 500), lines});
    const {response} = this.client;
    if (report === undefined) answerReason(response, reason, this.operation?.kind);
    else if (response.headersSent) response.destroy();
    else this.#respond('application/x-git-receive-pack-result', report);
  }

  #respond(type: string, body: Buffer): void {
    const {response} = this.client;
    response.writeHead(200, {
      'content-type': type,
      'content-length': body.length,
      'cache-control': 'no-cache',
    });
    response.end(body);
  }

  #answer(reason: Failure): void {
    this.#code = reason.code;
    const {request, response} = this.client;
    if (!request.complete) {
      // a client that is still sending reads no answer: it is let finish, within limits, and then hung up on
      response.setHeader('connection', 'close');
      request.resume();
    }
    answerReason(response, {...reason, message: `${reason.message} (${reason.code})`}, this.operation?.kind);
  }
}

/**
 * Returns a function to call before a write: what is written in one turn of the event loop leaves with one call of the
 * system. TLS brings 16 KiB at a time, four times in a turn.
 */
function gatherWrites({socket}: ServerResponse): () => void {
  let isGathering = false;
  return function gather() {
    if (isGathering || socket === null) return;
    isGathering = true;
    socket.cork();
    setImmediate(() => {
      isGathering = false;
      socket.uncork();
    });
  };
}

/** As many as the audit keeps of one push. */
const MAX_REFS = 50;

function kindOf(operation: Operation | undefined): Carried['operation'] {
  switch (operation?.kind) {
    case undefined:
      return 'none';
    case 'lfs-batch':
    case 'lfs-locks':
    case 'lfs-transfer':
      return 'lfs';
    case 'refs':
    case 'fetch':
    case 'push':
      return operation.kind;
  }
}
