/** Does it later, after milliseconds. Gives what cancels it. */
export function startTimer(milliseconds: number, act: () => void): () => void {
  const timer = setTimeout(act, milliseconds);
  return () => clearTimeout(timer);
}
