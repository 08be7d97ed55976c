/**
 * One task of the soak and its readers: a task is started, followed, cancelled or left to end by itself, and another one
 * takes its place. What its end was, all who were told must agree on.
 */
import type { Calls } from "./Calls.ts"
import type { SoakReader } from "./SoakReader.ts"

export interface Ends {
  started: number
  cancels: number
  completed: number
  cancelled: number
}

export class Slot {
  readonly readers: ReadonlyArray<SoakReader>
  readonly startedAt = new Map<string, number>()
  readonly #loud: boolean
  readonly #calls: Calls
  readonly #random: () => number
  readonly #fail: (message: string) => void
  readonly #ends: Ends
  #task: string | undefined
  #terminal: string | undefined
  #closed = false

  constructor(options: {
    readonly readers: ReadonlyArray<SoakReader>
    readonly loud: boolean
    readonly calls: Calls
    readonly random: () => number
    readonly fail: (message: string) => void
    readonly ends: Ends
  }) {
    this.readers = options.readers
    this.#loud = options.loud
    this.#calls = options.calls
    this.#random = options.random
    this.#fail = options.fail
    this.#ends = options.ends
  }

  /** All its readers are with its task. */
  get ready(): boolean {
    return this.readers.every((reader) => reader.isWith(this.#task))
  }

  async start(): Promise<void> {
    const kind = this.#loud ? "shout" : "chatter"
    const payload = this.#loud
      ? { every: 50, count: 400, bytes: 32_768 }
      : { every: 50 + Math.floor(this.#random() * 200), count: 20 + Math.floor(this.#random() * 200), bytes: 20 }
    const { json, status } = await this.#calls.post(`/tasks/${kind}`, payload)
    if (status !== 202) return this.#fail(`A start was answered ${status} ${JSON.stringify(json)}`)
    this.#ends.started++
    this.#terminal = undefined
    this.#task = json.id
    this.startedAt.set(json.id, performance.now())
    for (const reader of this.readers) reader.follow(json.id)
  }

  /** A reader was told so; the first to be told has the next task started. */
  ended(task: string, terminal: string): void {
    if (task !== this.#task) return
    if (this.#terminal === undefined) {
      this.#terminal = terminal
      if (terminal === "completed") this.#ends.completed++
      else if (terminal === "cancelled") this.#ends.cancelled++
      else this.#fail(`${task} ended as ${terminal}`)
      if (!this.#closed) setTimeout(() => !this.#closed && void this.start(), this.#random() * 100)
    } else if (this.#terminal !== terminal) {
      this.#fail(`${task}: one reader was told that it ${this.#terminal}, another that it ${terminal}`)
    }
  }

  /** Asks it to stop; the answer must agree with what its readers are told. */
  async cancel(): Promise<void> {
    const task = this.#task
    if (task === undefined) return
    this.#ends.cancels++
    const { json, status } = await this.#calls.post(`/tasks/${task}/cancel`, {
      reason: { by: "soak" },
      ...(this.#random() < 0.2 ? { wait: false } : {})
    })
    const tag = String(json?._tag)
    if (!/^(?:Cancelled|AlreadyCancelled|AlreadyCompleted|Requested)$/.test(tag)) {
      return this.#fail(`The cancel of ${task} was answered ${status} ${JSON.stringify(json)}`)
    }
    if (this.#task !== task || this.#terminal === undefined) return
    if (tag.endsWith("Cancelled") !== (this.#terminal === "cancelled") && tag !== "Requested") {
      this.#fail(`The cancel of ${task} was answered ${tag}, but its readers were told that it ${this.#terminal}`)
    }
  }

  /** Cancels what runs and starts nothing any more. */
  close(): Promise<void> {
    this.#closed = true
    return this.cancel()
  }
}
