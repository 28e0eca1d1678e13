import type {ServersAt} from '../organization/owner.ts';
import type {IncomingMessage, OutgoingHttpHeaders} from 'node:http';
import {Readable} from 'node:stream';
import {
  badBatchAnswer,
  failureOf,
  isPage,
  malformed,
  noUploads,
  serverTextOf,
  unknownTransfer,
} from './carry-failures.ts';
import type {Carried} from './carried.ts';
import type {ClientRequest} from './door/client-request.ts';
import {explainStatus} from './explain-answer.ts';
import {Foresight, type RefsQuestion} from './foresight.ts';
import {batchHeaders, doubledHeader, transferHeaders, upstreamHeaders} from './headers.ts';
import {Journey} from './journey.ts';
import {isUpload, mayHoldTransfer, rewriteBatch, Transfers, wantsCredential} from './lfs.ts';
import {operationOf, type Operation, type OperationParts} from './rule/operation.ts';
import {readPushHead} from './rule/push-commands.ts';
import {deniedRefs} from './rule/push-report.ts';
import {readAll} from './read-all.ts';
import {redirectOf} from './redirect.ts';
import type {Rule} from './rule/rule.ts';
import type {Supplied, Supply} from './supply.ts';
import type {Upstream} from './upstream.ts';

export interface CarrierParts {
  readonly rule: () => Rule;
  readonly serversAt: ServersAt;
  readonly supply: Supply;
  readonly upstream: Pick<Upstream, 'send'>;
  readonly carried: (event: Carried) => void;
  /** In milliseconds, from any moment. */
  readonly now: () => number;
}

type Credential = Extract<Supplied, {kind: 'credential'}>;

/** Carries git's requests to Azure DevOps: checks them against the rule, adds the credential, explains what fails. */
export class Carrier {
  readonly #parts: CarrierParts;
  readonly #transfers = new Transfers();
  readonly #foresight = new Foresight();

  constructor(parts: CarrierParts) {
    this.#parts = parts;
  }

  /** Answers one request. Never rejects. */
  async carry(client: ClientRequest): Promise<void> {
    const journey = new Journey(client, this.#parts.now);
    try {
      await this.#carry(client, journey);
    } catch (error) {
      await journey.fail(failureOf(error, client.host));
    } finally {
      this.#parts.carried(journey.finish());
    }
  }

  async #carry(client: ClientRequest, journey: Journey): Promise<void> {
    const doubled = doubledHeader(client.request.rawHeaders);
    if (doubled !== undefined) return journey.deny(malformed(`it has two headers ${doubled}`));
    const rule = this.#parts.rule();
    const parts = {rule, serversAt: this.#parts.serversAt};
    const method = client.request.method ?? '';
    const found = operationOf({method, host: client.host, target: client.target}, parts);
    if ('denial' in found) return journey.deny(found.denial);
    journey.operation = found.operation;
    switch (found.operation.kind) {
      case 'refs':
        return this.#carryRefs(found.operation, parts, journey);
      case 'push':
        return this.#carryPush(found.operation, rule, journey);
      case 'lfs-batch':
        return this.#carryBatch(found.operation, rule, journey);
      case 'lfs-transfer':
        return this.#carryTransfer(found.operation, found.operation.transfer, journey);
      case 'fetch':
        return this.#carryFetch(found.operation, journey);
      case 'lfs-locks':
        return this.#carryBody(found.operation, journey.body.stream(), journey);
    }
  }

  /** Asks twice if need be: with another token after a 401, or where the organization's own other host sends us. */
  async #carryRefs(operation: Operation, parts: OperationParts, journey: Journey): Promise<void> {
    let credential = await this.#credential(operation, journey);
    if (credential === undefined) return;
    // it has the first free connection
    const sending = this.#send(operation, credential, journey);
    this.#askAhead(operation, credential, journey);
    let answer = await sending;
    if (answer.statusCode !== 200) this.#foresight.drop(journey.client.request.socket);
    const elsewhere = redirectOf(answer, operation, parts);
    if (elsewhere !== undefined) {
      answer.resume();
      answer = await this.#send(elsewhere, credential, journey);
    }
    if (answer.statusCode === 401) {
      answer.resume();
      credential = await this.#credential(operation, journey, credential.fingerprint);
      if (credential === undefined) return;
      answer = await this.#send(elsewhere ?? operation, credential, journey);
    }
    await this.#relay(answer, credential, operation, journey);
  }

  /** Asks for the refs as this client will do, once it has the answer to its first request. */
  #askAhead(operation: Operation, {authorization, fingerprint}: Credential, {client}: Journey): void {
    const {socket, headers} = client.request;
    this.#foresight.drop(socket);
    if (operation.kind !== 'refs' || operation.service !== 'git-upload-pack') return;
    const {repository} = operation;
    const place = {repository, protocol: headers['git-protocol'], fingerprint};
    this.#foresight.begin(socket, place, (question, signal) =>
      this.#parts.upstream.send({
        host: repository.host,
        path: `${repository.path}/git-upload-pack`,
        method: 'POST',
        headers: question.headers,
        authorization,
        body: bodyOf(question.body),
        signal,
      }),
    );
  }

  async #carryFetch(operation: Operation, journey: Journey): Promise<void> {
    const {request} = journey.client;
    if (!mayAskForRefs(request)) return this.#carryBody(operation, journey.body.stream(), journey);
    const body = await readAll(journey.body.stream(), MAX_QUESTION);
    if (!body.subarray(0, REFS_COMMAND.length).equals(REFS_COMMAND))
      return this.#carryBody(operation, bodyOf(body), journey);
    const credential = await this.#credential(operation, journey);
    if (credential === undefined) return;
    const question: RefsQuestion = {headers: upstreamHeaders(request.headers), body};
    const {repository} = operation;
    const place = {repository, fingerprint: credential.fingerprint, gone: journey.gone};
    const known = await this.#foresight.take(request.socket, place, question);
    if (known !== undefined) journey.sentAhead(body.length);
    const answer = known ?? (await this.#send(operation, credential, journey, {body: bodyOf(body)}));
    await this.#relay(answer, credential, operation, journey);
  }

  async #carryBody(operation: Operation, body: Readable, journey: Journey): Promise<void> {
    const credential = await this.#credential(operation, journey);
    if (credential === undefined) return;
    const answer = await this.#send(operation, credential, journey, {body});
    await this.#relay(answer, credential, operation, journey);
  }

  /** Sends nothing on before the list of commands is read and allowed. */
  async #carryPush(operation: Operation, rule: Rule, journey: Journey): Promise<void> {
    const {request} = journey.client;
    const {head, received} = await readPushHead(journey.body, request.headers['content-encoding']);
    // git asks this way whether it may send, in front of a push that it sends in chunks
    if (head.commands.length === 0) return journey.succeed(PUSH_RESULT, Buffer.alloc(0));
    journey.push = head;
    const denied = deniedRefs(head, rule);
    if (denied.size > 0) return journey.denyPush(denied);
    await this.#carryBody(operation, journey.body.stream(received), journey);
  }

  async #carryBatch(operation: Operation, rule: Rule, journey: Journey): Promise<void> {
    const bytes = await readAll(journey.body.stream(), MAX_BATCH);
    const isWrite = isUpload(parseJson(bytes));
    if (isWrite === undefined) return journey.deny(malformed('it is not a batch of Git LFS'));
    if (isWrite && rule.push.length === 0) return journey.deny(noUploads);
    const credential = await this.#credential(operation, journey);
    if (credential === undefined) return;
    const headers = batchHeaders(journey.client.request.headers, bytes.length);
    const body = bodyOf(bytes);
    const answer = await this.#send(operation, credential, journey, {body, headers});
    if (answer.statusCode !== 200) return this.#relay(answer, credential, operation, journey);
    const {repository} = operation;
    const {base, proof} = journey.client;
    const rewritten = rewriteBatch(parseJson(await readAll(answer, MAX_BATCH_ANSWER)), {
      mayHold: (url) => mayHoldTransfer(url, repository),
      addressOf: (transfer) =>
        `${base}${repository.path}/info/lfs/transfer/${this.#transfers.add({...transfer, repository})}`,
      proof,
    });
    if (rewritten === undefined) return journey.fail(badBatchAnswer);
    await journey.succeed(LFS_JSON, Buffer.from(JSON.stringify(rewritten)));
  }

  /** The proof is in the address or its headers; on the organization's own host it is our credential. */
  async #carryTransfer(operation: Operation, id: string, journey: Journey): Promise<void> {
    const {request} = journey.client;
    const transfer = this.#transfers.find(id, operation.repository, request.method ?? '');
    if (transfer === undefined) return journey.deny(unknownTransfer);
    const isOwn = wantsCredential(transfer);
    const credential = isOwn ? await this.#credential(operation, journey) : undefined;
    if (isOwn && credential === undefined) return;
    const answer = await this.#parts.upstream.send({
      host: transfer.url.host,
      path: `${transfer.url.pathname}${transfer.url.search}`,
      method: transfer.method,
      headers: transferHeaders(request.headers, transfer.headers),
      authorization: credential?.authorization,
      body: transfer.method === 'GET' ? undefined : journey.counted(journey.body.stream()),
      signal: journey.gone,
    });
    await this.#relay(answer, credential, operation, journey);
  }

  async #credential(
    operation: Operation,
    journey: Journey,
    rejected?: string,
  ): Promise<Credential | undefined> {
    const supplied = await this.#parts.supply.get(operation.repository, {id: journey.id, rejected});
    if (supplied.kind === 'credential') {
      journey.uses(supplied);
      return supplied;
    }
    const {code, message, hint} = supplied;
    await journey.fail({status: 403, code, message, hint});
    return undefined;
  }

  async #send(
    {repository: {host}, path}: Operation,
    {authorization}: Credential,
    journey: Journey,
    {body, headers}: {readonly body?: Readable; readonly headers?: OutgoingHttpHeaders} = {},
  ): Promise<IncomingMessage> {
    const {request} = journey.client;
    return this.#parts.upstream.send({
      host,
      path,
      method: request.method ?? 'GET',
      headers: headers ?? upstreamHeaders(request.headers),
      authorization,
      body: body && journey.counted(body),
      signal: journey.gone,
    });
  }

  async #relay(
    answer: IncomingMessage,
    credential: Credential | undefined,
    operation: Operation,
    journey: Journey,
  ): Promise<void> {
    const status = answer.statusCode ?? 502;
    journey.status = status;
    journey.activity = activityOf(answer);
    const retryAfter = answer.headers['retry-after'];
    const explained = explainStatus(isPage(answer) ? 203 : status, operation.repository, {
      identity: credential?.identity ?? 'the transfer',
      serverText: serverTextOf(answer),
      retryAfter,
    });
    if (explained !== undefined) {
      answer.resume();
      return journey.fail({...explained, retryAfter});
    }
    if (credential !== undefined) this.#parts.supply.accepted(operation.repository, credential.fingerprint);
    await journey.relay(answer);
  }
}

function activityOf({headers}: IncomingMessage): string | undefined {
  const named = headers['x-vss-e2eid'] ?? headers['activityid'];
  return typeof named === 'string' ? named : undefined;
}

/** Whether a request may be a question for refs: short, whole, and in the protocol's second version. */
function mayAskForRefs({headers}: IncomingMessage): boolean {
  return (
    headers['git-protocol'] === 'version=2' &&
    headers['content-encoding'] === undefined &&
    Number(headers['content-length'] ?? Infinity) <= MAX_QUESTION
  );
}

function bodyOf(bytes: Buffer): Readable {
  return Readable.from([bytes], {objectMode: false});
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

const PUSH_RESULT = 'application/x-git-receive-pack-result';
const LFS_JSON = 'application/vnd.git-lfs+json';
/** The beginning of the body, as a pkt-line. */
const REFS_COMMAND = Buffer.from('0014command=ls-refs\n');
/** In bytes. */
const MAX_QUESTION = 8 * 1024;
const MAX_BATCH = 2 * 1024 * 1024;
const MAX_BATCH_ANSWER = 16 * 1024 * 1024;
