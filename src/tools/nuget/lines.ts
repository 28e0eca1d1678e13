/** Puts the pieces of a stream together to lines. A last line without an end does not count. */
export class Lines {
  #pieces: string[] = [];

  /** Returns the lines that end in this piece. */
  add(piece: string): string[] {
    const [first = '', ...rest] = piece.split('\n');
    this.#pieces.push(first);
    const last = rest.pop();
    if (last === undefined) return [];
    const whole = [this.#pieces.join(''), ...rest];
    this.#pieces = [last];
    return whole;
  }
}
