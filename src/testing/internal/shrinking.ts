/** Makes a failing schedule smaller for as long as it still fails: fewer pauses, more picks of the first. */
import type { Schedule } from "./schedule.ts"

const mostTries = 400

export const shrink = (schedule: Schedule, fails: (candidate: Schedule) => boolean): Schedule => {
  const search = new Shrinking(schedule, fails)
  search.attempt({ ...schedule, picks: [] })
  search.attempt({ ...search.best, pauses: [] })
  search.dropPauses()
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

  /** In chunks, from halves down to single ones. */
  dropPauses(): void {
    for (let size = Math.ceil(this.best.pauses.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let from = 0; from < this.best.pauses.length;) {
        if (!this.attempt({ ...this.best, pauses: this.best.pauses.toSpliced(from, size) })) from += size
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
