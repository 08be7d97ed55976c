/**
 * Where a follower stands in the events of a task: which was the last, and what
 * each that comes is to it: the next, one that it has seen, or one behind a gap.
 */
export type Verdict = "next" | "gap" | "seen" | "other-run"

export class Place {
  /** Known once an event came, or if the follower began with a start of its own. */
  attempt: number | undefined
  seq: number
  /** The terminal event has been handed on. */
  ended = false
  /** The time of the oldest and the newest event, as it was sent: a run that took the id has others. */
  private first: Mark | undefined
  private newest: Mark | undefined

  constructor(attempt: number | undefined, seq: number) {
    this.attempt = attempt
    this.seq = seq
  }

  get lastEventId(): string | undefined {
    return this.seq === 0 ? undefined : `${this.attempt}-${this.seq}`
  }

  verdict(attempt: number, seq: number, at: string | undefined): Verdict {
    if (this.attempt !== undefined && this.attempt !== attempt) return "other-run"
    if (seq > this.seq) return seq === this.seq + 1 ? "next" : "gap"
    const mark = [this.first, this.newest].find((mark) => mark?.seq === seq)
    return mark?.at !== undefined && at !== undefined && mark.at !== at ? "other-run" : "seen"
  }

  moveTo(attempt: number, seq: number, at: string | undefined): void {
    this.attempt = attempt
    this.seq = seq
    this.newest = { seq, at }
    this.first ??= this.newest
  }
}

interface Mark {
  readonly seq: number
  readonly at: string | undefined
}
