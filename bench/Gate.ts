/**
 * An answer from outside that several tasks wait for. It opens one turn of the event loop after the last expected waiter
 * has arrived, so that no contestant's waiters can be answered before all of them are really waiting.
 */
export class Gate {
  readonly #expected: number
  #waiters: Array<() => void> = []

  constructor(expected: number) {
    this.#expected = expected
  }

  wait(answer: () => void): void {
    this.#waiters.push(answer)
    if (this.#waiters.length === this.#expected) setImmediate(() => this.#open())
  }

  #open(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const answer of waiters) answer()
  }
}
