import {answer as answerGit, type AnswerParts, type Answered} from '../../answer/answer.ts';
import type {SocketScope} from '../../organization/socket-scope.ts';
import type {Answer} from '../../protocol/answer.ts';
import {render} from '../../protocol/render.ts';
import {RequestError, parseRequest, type GrantRequest, type Request} from '../../protocol/request.ts';

/** What one request came to, for log, counts and audit. */
export interface Report {
  readonly request: Request | undefined;
  readonly scope: SocketScope;
  readonly answer: Answer;
  /** Of git's requests, where they could be read. */
  readonly answered: Answered | undefined;
  /** From the end of the request to the answer, in milliseconds. */
  readonly duration: number;
}

export interface RespondParts {
  /** As the configuration in force has them; asked at each request. */
  readonly current: () => AnswerParts;
  /** Decides on one ssh connection, and opens its socket. */
  readonly grant: (request: GrantRequest, scope: SocketScope) => Promise<Answer>;
  /** Proves who we are: a keyed hash of the nonce. */
  readonly hello: (nonce: string) => Answer;
  readonly report: (report: Report) => void;
  /** A surprise: something that is our mistake. */
  readonly surprised: (error: unknown) => void;
  /** In milliseconds, from any moment. */
  readonly now: () => number;
}

/** Makes the function that turns a request's bytes into an answer's. It never throws. */
export function createRespond(
  scope: SocketScope,
  parts: RespondParts,
): (bytes: Uint8Array) => Promise<Uint8Array> {
  return async (bytes) => {
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
      // in the same turn as the answer: the token in it may be overwritten in the next
      bytesOfAnswer = render(answer);
    } catch (error) {
      answer = error instanceof RequestError ? {kind: 'pass', reason: error.message} : ourMistake;
      if (answer === ourMistake) parts.surprised(error);
      bytesOfAnswer = render(answer);
    }
    parts.report({request, scope, answer, answered, duration: parts.now() - start});
    return bytesOfAnswer;
  };
}

async function decide(request: Request, scope: SocketScope, parts: RespondParts): Promise<Answered | Answer> {
  switch (request.operation) {
    case 'get':
    case 'store':
    case 'erase':
      return answerGit(request, scope, parts.current());
    case 'grant':
      return parts.grant(request, scope);
    case 'hello':
      return parts.hello(request.nonce);
    case 'ignored':
      return {kind: 'pass', reason: 'not ours to do'};
  }
}

const ourMistake: Answer = {
  kind: 'failure',
  errors: ['orgkey could not answer: a mistake of its own, see its log'],
  hints: ['run: orgkey logs'],
  quit: false,
};
