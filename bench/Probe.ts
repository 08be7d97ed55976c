/**
 * The witness of one round. Each finalizer reports its index here, a contestant marks the ends of its phases and says
 * how to count what it still holds; `verify`, called when the clock has stopped, throws unless every finalizer ran
 * exactly once and nothing is left. A fast wrong contestant therefore never gets a time.
 */
export interface ProbeOptions {
  readonly finalizers: number
  readonly leavesFirst?: boolean | undefined
  /** Count live fibers too (see `runEffect.ts`); it costs time, so only the first warm-up does it. */
  readonly audit?: boolean | undefined
  readonly onLap?: ((name: string) => void) | undefined
}

export class Probe {
  readonly audit: boolean
  readonly #options: ProbeOptions
  readonly #runs: Uint8Array
  readonly #leftovers: Array<readonly [what: string, count: () => number]> = []
  readonly #latencies: Array<number> = []
  #total = 0
  #previous = Infinity
  #descending = true

  constructor(options: ProbeOptions) {
    this.#options = options
    this.audit = options.audit === true
    this.#runs = new Uint8Array(options.finalizers)
  }

  /** Finalizer number `index` ran. In a chain, deeper tasks have higher numbers. */
  finalized(index: number): void {
    this.#total++
    this.#runs[index]!++
    if (index > this.#previous) this.#descending = false
    this.#previous = index
  }

  /** One cancel took so long, in nanoseconds. */
  latency(nanos: number): void {
    this.#latencies.push(nanos)
  }

  /** The time that this share of all cancels was within; `undefined` where nobody measured. */
  percentile(share: number): number | undefined {
    const sorted = this.#latencies.toSorted((a, b) => a - b)
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  }

  /** The phase `name` ends now and the next begins. */
  lap(name: string): void {
    this.#options.onLap?.(name)
  }

  /** Registers a count that must be 0 at the end of the round; it is called after the clock has stopped. */
  left(what: string, count: () => number): void {
    this.#leftovers.push([what, count])
  }

  verify(who: string): void {
    const { finalizers, leavesFirst } = this.#options
    const wrong = this.#runs.findIndex((runs) => runs !== 1)
    if (wrong >= 0) throw new Error(`${who}: finalizer ${wrong} of ${finalizers} ran ${this.#runs[wrong]} times`)
    if (this.#total !== finalizers) throw new Error(`${who}: ${this.#total} finalizers ran, not ${finalizers}`)
    if (leavesFirst === true && !this.#descending)
      throw new Error(`${who}: a parent's finalizer ran before its child's`)
    for (const [what, count] of this.#leftovers) {
      if (count() !== 0) throw new Error(`${who}: ${count()} ${what} left after the round`)
    }
  }
}
