/**
 * One subscriber of the soak. It follows one task after another, each to its terminal event; between them it stalls, leaves
 * and comes back with its `Last-Event-ID`. It holds the server to the law: numbers without a gap or a repeat, unless a
 * `resync` names what is missing, and exactly one terminal event, which nothing may take away.
 */
import { dataOf, EventSocket, nameOf } from "../../../bench/http/EventSocket.ts"

export interface Counts {
  events: number
  terminals: number
  resyncs: number
  /** Events that a `resync` said were dropped. */
  dropped: number
  stalls: number
  leaves: number
  /** Streams that the server cut off before their end. */
  cuts: number
  /** Comings back after the terminal event that were answered 204. */
  dones: number
  /** Comings back after so long that the server had forgotten the task. */
  forgotten: number
}

/** What a reader is told and tells. */
export interface Site {
  readonly port: number
  readonly counts: Counts
  readonly fail: (message: string) => void
  readonly random: () => number
  /** Its task has ended so. */
  readonly ended: (task: string, terminal: string) => void
  /** True if it ended so long ago that its record may be gone. */
  readonly forgettable: (task: string) => boolean
  /** How long an event took to come to one that never stalled, in milliseconds. */
  readonly latency: (millis: number) => void
}

const terminals = new Set(["completed", "failed", "cancelled"])

export class SoakReader {
  readonly name: string
  readonly #site: Site
  #socket: EventSocket | undefined
  #task = ""
  #seen = 0
  #attempt = 1
  #terminal: string | undefined
  #next: string | undefined
  #stalled = false
  /** Since it began with its task it has neither stalled nor come back, so that nothing is late by its own fault. */
  #prompt = true
  #timer: NodeJS.Timeout | undefined

  constructor(name: string, site: Site) {
    this.name = name
    this.#site = site
  }

  /** It follows this task and has read something of it, or stalls. */
  isWith(task: string | undefined): boolean {
    return this.#stalled || (this.#task === task && this.#seen > 0)
  }

  get stalled(): boolean {
    return this.#stalled
  }

  get done(): boolean {
    return this.#terminal !== undefined
  }

  /** The task that this one shall follow, as soon as it has read the end of the one before. */
  follow(task: string): void {
    if (this.#task === "" || (this.done && this.#socket === undefined)) this.#begin(task)
    else this.#next = task
  }

  stall(): void {
    if (this.#stalled || this.#socket === undefined) return
    this.#site.counts.stalls++
    this.#stalled = true
    this.#prompt = false
    this.#socket.pause()
  }

  resume(): void {
    this.#stalled = false
    this.#socket?.resume()
  }

  /** Tears its connection off and comes back a little later; `anew` as a client that remembers nothing. */
  leave(anew: boolean): void {
    if (this.#socket === undefined || this.done) return
    this.#site.counts.leaves++
    this.#socket.leave()
    this.#stalled = false
    if (anew) this.#seen = 0
    this.#comeBack()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#socket?.leave()
  }

  /** Who it is and where it stands. */
  get place(): string {
    return `${this.name} at ${this.#attempt}-${this.#seen} of ${this.#task}${this.#stalled ? " (stalled)" : ""}`
  }

  #begin(task: string): void {
    this.#task = task
    this.#seen = 0
    this.#attempt = 1
    this.#terminal = undefined
    this.#next = undefined
    this.#prompt = true
    this.#connect()
  }

  #comeBack(): void {
    this.#socket = undefined
    this.#prompt = false
    this.#timer = setTimeout(() => this.#connect(), this.#site.random() * 300)
  }

  #connect(): void {
    const { counts, fail, forgettable, port } = this.#site
    const lastEventId = this.#seen === 0 ? undefined : `${this.#attempt}-${this.#seen}`
    this.#stalled = false
    this.#socket = new EventSocket(
      port,
      `/tasks/${this.#task}/events`,
      {
        event: (attempt, seq, text, from, to) => this.#event(attempt, seq, text, from, to),
        closed: (status, ended) => {
          this.#socket = undefined
          if (this.#terminal !== undefined) return this.#afterTheEnd(status)
          if (status === 200 && !ended) counts.cuts++
          else if (status === 200) fail(`${this.place}: its stream ended without a terminal event`)
          else if (status === 404 && forgettable(this.#task)) return this.#forgotten()
          else fail(`${this.place} was answered ${status}, but it has not read how its task ended`)
          this.#comeBack()
        }
      },
      lastEventId
    )
  }

  #event(attempt: number, seq: number, text: string, from: number, to: number): void {
    const { counts, ended, fail, latency, random } = this.#site
    counts.events++
    const name = nameOf(text, from, to)
    if (this.#terminal !== undefined) fail(`${this.place} read ${name} ${seq} after its terminal event`)
    if (attempt !== this.#attempt) fail(`${this.place} read attempt ${attempt}`)
    if (name === "resync") {
      const { missed } = dataOf(text, from, to) as { readonly missed: { readonly from: number; readonly to: number } }
      if (missed.from !== this.#seen + 1 || missed.to < missed.from || missed.to !== seq) {
        fail(`${this.place} was told that ${missed.from}..${missed.to} are missing (id ${attempt}-${seq})`)
      }
      counts.resyncs++
      counts.dropped += missed.to - missed.from + 1
    } else if (seq !== this.#seen + 1)
      fail(`${this.place} read ${name} ${attempt}-${seq}: a gap that nothing announced, or a repeat`)
    this.#seen = seq
    if (terminals.has(name)) {
      counts.terminals++
      this.#terminal = name
      ended(this.#task, name)
    } else if (this.#prompt && random() < 0.01) latency(Date.now() - Date.parse(dataOf(text, from, to).at))
  }

  /** It came, on a machine that has too much to do, when the record of the task was gone already, as it may be by then. */
  #forgotten(): void {
    this.#site.counts.forgotten++
    this.#terminal = "forgotten"
    if (this.#next !== undefined) this.#begin(this.#next)
  }

  /** Goes on to the next task; some come back first, as browsers do, and must be told to stay away. */
  #afterTheEnd(status: number): void {
    if (status === 204) this.#site.counts.dones++
    else if (status === 200 && this.#site.random() < 0.05) return this.#connect()
    if (status !== 200 && status !== 204)
      this.#site.fail(`${this.place} came back after the end and was answered ${status}`)
    if (this.#next !== undefined) this.#begin(this.#next)
  }
}
