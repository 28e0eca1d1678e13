import type {IncomingMessage, OutgoingHttpHeaders} from 'node:http';
import {Transform, type Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {answerReason, type Reason} from './answer-client.ts';
import type {Carried} from './carried.ts';
import type {ClientRequest} from './door/client-request.ts';
import {downstreamHeaders} from './headers.ts';
import type {Denial, Operation} from './rule/operation.ts';
import type {Supplied} from './supply.ts';

/** One request on its way: what is known of it, and how it is answered. It is answered once, whatever happens. */
export class Journey {
  readonly client: ClientRequest;
  operation: Operation | undefined;
  /** Of a push. */
  refs: readonly string[] = [];
  /** What Azure DevOps answered. */
  status: number | undefined;
  readonly #gone = new AbortController();
  readonly #now: () => number;
  readonly #start: number;
  readonly #credentials: Extract<Supplied, {kind: 'credential'}>[] = [];
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

  uses(credential: Extract<Supplied, {kind: 'credential'}>): void {
    this.#credentials.push(credential);
  }

  /** The rule or the form says no. */
  deny({code, message, hint}: Denial): void {
    this.#outcome = 'denied';
    this.#answer({code, status: 403, message, hint});
  }

  /** Denies a push in git's own report, ref by ref. */
  denyPush(report: Buffer): void {
    this.#outcome = 'denied';
    this.#code = 'ERR_GATEWAY_PUSH';
    this.respond(200, {'content-type': 'application/x-git-receive-pack-result'}, report);
  }

  fail(reason: Reason & {readonly code: string}): void {
    this.#outcome = 'failed';
    this.#answer(reason);
  }

  respond(status: number, headers: OutgoingHttpHeaders, body: Buffer): void {
    const {response} = this.client;
    response.writeHead(status, {...headers, 'content-length': body.length, 'cache-control': 'no-cache'});
    response.end(body);
  }

  /** Hands on the answer of Azure DevOps, as fast as the client takes it. */
  async relay(answer: IncomingMessage): Promise<void> {
    const {response} = this.client;
    response.writeHead(answer.statusCode ?? 502, downstreamHeaders(answer.headers));
    const count = new Transform({
      transform: (chunk: Buffer, _encoding, next) => {
        this.#received += chunk.length;
        next(null, chunk);
      },
    });
    await pipeline(answer, count, response);
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

  /** Marks the request as carried out although its answer was made here. */
  succeed(): void {
    this.#outcome = 'carried';
  }

  /** Ends the journey: erases its credentials. Returns what became of it. */
  finish(): Carried {
    for (const {authorization} of this.#credentials) authorization.erase();
    const {operation} = this;
    const repository = operation?.repository;
    return {
      operation: kindOf(operation),
      host: repository?.host ?? this.client.host,
      organization: repository?.organization,
      repository: repository && `${repository.organization}/${repository.project}/${repository.repository}`,
      identity: this.#credentials.at(-1)?.identity,
      refs: this.refs,
      outcome: this.#outcome,
      code: this.#code,
      status: this.status,
      sent: this.#sent,
      received: this.#received,
      duration: this.#now() - this.#start,
    };
  }

  #answer(reason: Reason & {readonly code: string}): void {
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
