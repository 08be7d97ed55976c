/**
 * The clock of the model: events in order of time. It also knows what the
 * contract leaves open: where two things happen of themselves at one instant and
 * something is decided in it, their order is no law, and the plan is set aside.
 */
import type { TaskEntry } from "../../src/testing/TaskJournal.ts"

interface Event {
  readonly at: number
  readonly fire: () => void
  readonly bound: boolean
}

export class World {
  now = 0
  readonly entries: Array<TaskEntry> = []
  /** Whom a cancel gave up on, and when. */
  readonly abandoned = new Map<string, number>()
  /** Why this plan is not determined by the contract. */
  open: string | undefined = undefined
  private queue: Array<Event> = []
  private crowded = false
  private decided = false

  /** `bound`: a limit, which what happens at its very instant may be in time for. */
  after(ms: number, fire: () => void, bound = false): () => void {
    const event = { at: this.now + ms, fire, bound }
    const index = this.queue.findIndex(({ at }) => at > event.at)
    this.queue.splice(index < 0 ? this.queue.length : index, 0, event)
    return () => {
      this.queue = this.queue.filter((other) => other !== event)
    }
  }

  /** In a later turn of the same instant. */
  turn(fire: () => void): void {
    this.after(0, fire)
  }

  /** Someone elsewhere in the tree goes on because of what ended. */
  wake(): void {
    this.crowded = true
    this.judge()
  }

  /** Somebody was told to stop, or came first. */
  decide(): void {
    this.decided = true
    this.judge()
  }

  leaveOpen(why: string): void {
    this.open ??= why
  }

  private judge(): void {
    if (this.crowded && this.decided) this.leaveOpen(`several things happen at ${this.now}`)
  }

  /** `path`: for finalizers the scope that they belong to. */
  note(who: string, what: TaskEntry["what"], text = "", path?: string): void {
    this.entries.push({ at: this.now, who, what, text, path })
  }

  run(): void {
    for (let event = this.queue.shift(); event !== undefined; event = this.queue.shift()) {
      if (event.at > this.now) this.crowded = this.decided = false
      this.now = event.at
      const next = this.queue[0]
      if (next?.at === this.now) {
        this.crowded = true
        if (event.bound || next.bound) this.decided = true
      }
      this.judge()
      event.fire()
    }
  }
}
