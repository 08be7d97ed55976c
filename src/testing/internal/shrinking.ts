/** Makes a failing schedule smaller for as long as it still fails: fewer pauses, more picks of the first. */
import type { Schedule } from "./schedule.ts"

const mostTries = 1_000

/** Of these, for a lone pause at each operation: most faults need no more, and dropping others one by one may not get there. */
const mostAlone = 400

export const shrink = (schedule: Schedule, fails: (candidate: Schedule) => boolean): Schedule => {
  const search = new Shrinking(schedule, fails)
  // Most faults of an interleaving need no cancel.
  search.attempt({ ...schedule, cancel: undefined, again: undefined })
  search.attempt({ ...search.best, lates: [] })
  search.attempt({ ...search.best, picks: [] })
  if (!search.attempt({ ...search.best, pauses: [] })) search.pauseOnce()
  search.drop("pauses")
  search.drop("lates")
  search.dropTail()
  search.pickFirst()
  return search.best
}

class Shrinking {
  best: Schedule
  private left = mostTries
  private readonly fails: (candidate: Schedule) => boolean

  constructor(schedule: Schedule, fails: (candidate: Schedule) => boolean) {
    this.best = schedule
    this.fails = fails
  }

  attempt(candidate: Schedule): boolean {
    if (this.left-- <= 0 || !this.fails(candidate)) return false
    this.best = candidate
    return true
  }

  pauseOnce(): void {
    const { cancel, pauses } = this.best
    const last = pauses.at(-1) ?? 0
    // Each pause that is left out may bring the place of the cancel forward by a turn.
    const earlier = cancel === undefined ? 0 : Math.min(cancel, pauses.length - 1)
    let tries = mostAlone
    for (let operation = 1; operation <= last; operation++) {
      for (let turns = 0; turns <= earlier; turns++) {
        if (tries-- === 0) return
        const at = cancel === undefined ? undefined : cancel - turns
        if (this.attempt({ ...this.best, cancel: at, pauses: [operation], picks: [] })) return
      }
    }
  }

  /** In chunks, from halves down to single ones. */
  drop(what: "pauses" | "lates"): void {
    for (let size = Math.ceil(this.best[what].length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < this.best[what].length;) {
        if (!this.attempt({ ...this.best, [what]: this.best[what].toSpliced(from, size) })) from += size
      }
    }
  }

  /** What comes after the fault matters to nobody. */
  dropTail(): void {
    for (let size = this.best.picks.length; size >= 1; size = Math.floor(size / 2)) {
      let shorter = true
      while (shorter && this.best.picks.length >= size) {
        shorter = this.attempt({ ...this.best, picks: this.best.picks.slice(0, -size) })
      }
    }
  }

  pickFirst(): void {
    for (let index = 0; index < this.best.picks.length; index++) {
      if (this.best.picks[index] !== 0) this.attempt({ ...this.best, picks: this.best.picks.with(index, 0) })
    }
  }
}
