/** Replaces each hint that an earlier message has by a reference to it. */
export function withHintsOnce<Message extends {readonly hint?: string | undefined}>(
  messages: readonly Message[],
): Message[] {
  const seen = new Set<string>();
  return messages.map((message) => {
    const {hint} = message;
    if (hint === undefined) return message;
    if (seen.has(hint)) return {...message, hint: 'as above'};
    seen.add(hint);
    return message;
  });
}
