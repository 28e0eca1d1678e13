import {answer as answerGit, type AnswerParts, type Answered} from '../../answer/answer.ts';
import type {SocketScope} from '../../organization/socket-scope.ts';
import type {Answer} from '../../protocol/answer.ts';
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
  /** Returns what the configuration in force says. Called for each request. */
  readonly current: () => AnswerParts;
  /** Decides about one ssh connection, and opens its socket. */
  readonly grant: (request: GrantRequest, scope: SocketScope) => Promise<Answer>;
  /** Answers a request for the password of a gateway. `undefined`: the request is not for one. */
  readonly gateway: (request: GetRequest, scope: SocketScope) => Answer | undefined;
  /** Proves who we are, by a keyed hash of the nonce. */
  readonly hello: (nonce: string) => Answer;
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
  let request: Request | undefined;
  let answered: Answered | undefined;
  let answer: Answer;
  let bytesOfAnswer: Uint8Array;
  try {
    request = parseRequest(bytes);
    const decided = await decide(request, scope, parts);
    answered = 'answer' in decided ? decided : undefined;
    answer = 'answer' in decided ? decided.answer : decided;
    // in the same turn as the answer: its token may be overwritten in the next
    bytesOfAnswer = render(answer);
  } catch (error) {
    answer = error instanceof RequestError ? {kind: 'pass', reason: error.message} : ourMistake;
    if (answer === ourMistake) parts.onUnexpected(error);
    bytesOfAnswer = render(answer);
  }
  parts.report({request, scope, answer, answered, duration: parts.now() - start});
  return bytesOfAnswer;
}

async function decide(request: Request, scope: SocketScope, parts: RespondParts): Promise<Answered | Answer> {
  switch (request.operation) {
    case 'get':
      return parts.gateway(request, scope) ?? answerGit(request, scope, parts.current());
    case 'store':
    case 'erase':
      return answerGit(request, scope, parts.current());
    case 'grant':
      return parts.grant(request, scope);
    case 'hello':
      return parts.hello(request.nonce);
    case 'ignored':
      return {kind: 'pass', reason: 'the operation is not for orgkey'};
  }
}

const ourMistake: Answer = {
  kind: 'failure',
  errors: ['orgkey could not answer because of an internal error, which is in its log'],
  hints: ['run: orgkey logs'],
  quit: false,
};
