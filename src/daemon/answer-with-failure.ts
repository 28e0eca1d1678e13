import {render} from '../protocol/render.ts';
import type {ClaimError} from './claim.ts';
import {serveConnection} from './git/connection.ts';
import {Listener} from './git/listener.ts';

export interface FailureParts {
  /** The descriptors of systemd's sockets. */
  readonly fds: Iterable<number>;
  /** Whether a daemon could start by now. Called for each request. */
  readonly isRepaired: () => boolean;
  /** Resolves when we stop answering. */
  readonly ended: Promise<unknown>;
}

/**
 * Answers every git with the reason why the daemon cannot start: systemd holds the sockets, and restarts the daemon
 * while git waits. Once the cause is repaired, we close without an answer; the helper then asks again and reaches the
 * next daemon.
 */
export async function answerWithFailure(
  {message, hint}: ClaimError,
  {fds, isRepaired, ended}: FailureParts,
): Promise<void> {
  const repaired = Promise.withResolvers<void>();
  const respond = async () => {
    if (isRepaired()) {
      repaired.resolve();
      throw new Error('repaired');
    }
    // the configured organizations are unknown, so git is not told to quit
    const errors = [`the orgkey daemon cannot start: ${message}`];
    return render({kind: 'failure', errors, hints: [hint], quit: false});
  };
  const listeners = await Promise.all(
    Array.from(fds, async (fd) => {
      const listener = new Listener((socket) => serveConnection(socket, respond));
      await listener.listen({fd});
      return listener;
    }),
  );
  await Promise.race([ended, repaired.promise]);
  for (const listener of listeners) listener.stopAccepting();
  await Promise.all(listeners.map((listener) => listener.drained()));
}
