import type {Socket} from 'node:net';
import {MAX_REQUEST} from '../../protocol/request.ts';
import {startTimer} from '../../start-timer.ts';
import {TIME_BUDGET} from '../../time-budget.ts';

/**
 * Serves one request. git's client half-closes after its request and reads until we close, so every connection is
 * answered or closed. The bytes of the request and of the answer are overwritten afterwards.
 */
export function serveConnection(socket: Socket, respond: (request: Uint8Array) => Promise<Uint8Array>): void {
  let chunks: Buffer[] = [];
  let size = 0;
  let answer: Uint8Array | undefined;
  let stopTimer = startTimer(TIME_BUDGET.read, () => socket.destroy());

  socket.on('data', (chunk) => {
    size += chunk.length;
    // the rest of a request that is too long is read, so that the client reads its answer, but not kept
    if (size > MAX_REQUEST + 1) overwrite(chunks.splice(0), chunk);
    else chunks.push(chunk);
  });
  socket.on('end', () => {
    stopTimer();
    stopTimer = startTimer(TIME_BUDGET.answer, () => socket.destroy());
    const request = size > MAX_REQUEST + 1 ? new Uint8Array(MAX_REQUEST + 1) : joined(chunks, size);
    if (chunks.length > 1) overwrite(chunks);
    chunks = [];
    void respond(request).then(
      (bytes) => {
        request.fill(0);
        answer = bytes;
        socket.end(bytes);
      },
      () => socket.destroy(),
    );
  });
  // 'close' follows
  socket.on('error', () => undefined);
  socket.on('close', () => {
    stopTimer();
    overwrite(chunks);
    answer?.fill(0);
  });
}

/** Returns the bytes of all chunks, those of a single one in their place. The methods of a `Buffer` take twice the time. */
function joined(chunks: readonly Buffer[], size: number): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1)
    return new Uint8Array(only.buffer, only.byteOffset, only.length);
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function overwrite(chunks: readonly Buffer[], ...more: readonly Buffer[]): void {
  for (const chunk of [...chunks, ...more]) chunk.fill(0);
}
