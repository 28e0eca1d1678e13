import {randomUUID} from 'node:crypto';
import {answer as answerGit, type AnswerParts, type Answered} from '../../answer/answer.ts';
import type {SocketScope} from '../../organization/socket-scope.ts';
import type {Answer} from '../../protocol/answer.ts';
import type {Failure} from '../../token/acquire.ts';
import {render} from '../../protocol/render.ts';
import {
  RequestError,
  parseRequest,
  type GetRequest,
  type GrantRequest,
  type Request,
} from '../../protocol/request.ts';

/** What happened to one request, for log, counts and audit. */
export interface Report {
  /** The same in the log, in the audit and at the issuer. */
  readonly id: string;
  /** `undefined`: it could not be read. */
  readonly request: Request | undefined;
  readonly scope: SocketScope;
  readonly answer: Answer;
  /** For git's own requests. */
  readonly answered: Answered | undefined;
  /** From the end of the request to the answer, in milliseconds. */
  readonly duration: number;
}

export interface RespondParts {
  /** Returns what the configuration in force says. Called for each request, with its id. */
  readonly current: (id: string) => AnswerParts;
  /** Decides about one ssh connection, and opens its socket. */
  readonly grant: (request: GrantRequest, scope: SocketScope, id: string) => Promise<Answer>;
  /** Answers a request for the password of a gateway. `undefined`: the request is not for one. */
  readonly gateway: (request: GetRequest, scope: SocketScope) => Answer | undefined;
  /** Proves who we are, by a keyed hash of the nonce. */
  readonly hello: (nonce: string) => Answer;
  /**
   * Writes the audit before the answer is sent. Returns a promise if that must be waited for: of why nothing may be
   * handed out, if that is so.
   */
  readonly record: (report: Report) => Promise<Failure | undefined> | undefined;
  readonly report: (report: Report) => void;
  /** Called for errors that are our own mistake. */
  readonly onUnexpected: (error: unknown) => void;
  /** In milliseconds, from any moment. */
  readonly now: () => number;
}

/** Turns the bytes of a request into those of its answer. Never rejects. */
export async function respond(
  bytes: Uint8Array,
  scope: SocketScope,
  parts: RespondParts,
): Promise<Uint8Array> {
  const start = parts.now();
  const id = randomUUID();
  let request: Request | undefined;
  let answered: Answered | undefined;
  let answer: Answer;
  let bytesOfAnswer: Uint8Array;
  try {
    request = parseRequest(bytes);
    const decided = await decide({request, scope, id}, parts);
    answered = 'answer' in decided ? decided : undefined;
    answer = 'answer' in decided ? decided.answer : decided;
    // in the same turn as the answer: its token may be overwritten in the next
    bytesOfAnswer = render(answer);
  } catch (error) {
    answer = error instanceof RequestError ? {kind: 'pass', reason: error.message} : ourMistake;
    if (answer === ourMistake) parts.onUnexpected(error);
    bytesOfAnswer = render(answer);
  }
  const report = {id, request, scope, answer, answered, duration: parts.now() - start};
  const recording = parts.record(report);
  const problem = recording === undefined ? undefined : await recording;
  if (problem === undefined) {
    parts.report(report);
    return bytesOfAnswer;
  }
  bytesOfAnswer.fill(0);
  const withheld = {
    ...report,
    answer: refusal(problem),
    answered: answered && {...answered, failure: problem},
  };
  parts.report(withheld);
  return render(withheld.answer);
}

async function decide(
  {request, scope, id}: Pick<Report, 'scope' | 'id'> & {readonly request: Request},
  parts: RespondParts,
): Promise<Answered | Answer> {
  switch (request.operation) {
    case 'get':
      return parts.gateway(request, scope) ?? answerGit(request, scope, parts.current(id));
    case 'store':
    case 'erase':
      return answerGit(request, scope, parts.current(id));
    case 'grant':
      return parts.grant(request, scope, id);
    case 'hello':
      return parts.hello(request.nonce);
    case 'ignored':
      return {kind: 'pass', reason: 'the operation is not for orgkey'};
  }
}

function refusal({message, code, hint}: Failure): Answer {
  return {
    kind: 'failure',
    errors: [`${message} (${code})`],
    hints: hint === undefined ? [] : [hint],
    quit: true,
  };
}

const ourMistake: Answer = {
  kind: 'failure',
  errors: ['orgkey could not answer because of an internal error, which is in its log'],
  hints: ['run: orgkey logs'],
  quit: false,
};
