/**
 * A deterministic world: fibers take turns on one stack, time is virtual and jumps to the next timer when nobody can
 * run. It counts *points*: before every operation of every fiber but the first after it was resumed, and before every
 * turn of its own loop, that is while all are suspended. A job can be put at a point; every fiber on the stack then
 * pauses before its next operation, the job runs, and the world goes on. A pause is what Effect's automatic yield does
 * too, so each such state can occur in production. Who runs next, and who else pauses, is decided by a `Director`.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Scheduler, SchedulerDispatcher } from "effect/Scheduler"

/** A dispatcher whose tasks wait for their turn, in an order that Effect does not leave open. Each fiber has its own. */
interface Ready {
  readonly owner: number
}

interface Task {
  /** Who of all was scheduled first. */
  readonly number: number
  readonly priority: number
  /** The end of a pause: nothing has happened since the point before it, so it is no point of its own. */
  readonly resumes: boolean
  readonly run: () => void
}

class Queue implements Ready, SchedulerDispatcher {
  readonly owner: number
  readonly tasks: Array<Task> = []
  private readonly schedule: (queue: Queue, run: () => void, priority: number) => void

  constructor(owner: number, schedule: (queue: Queue, run: () => void, priority: number) => void) {
    this.owner = owner
    this.schedule = schedule
  }

  scheduleTask(run: () => void, priority: number): void {
    this.schedule(this, run, priority)
  }

  flush(): void {}
}

/** Decides what Effect leaves open. Without one the first that is ready runs, and nobody pauses. */
export interface Director {
  /** Whether the fiber pauses before its next operation. */
  readonly pause?: ((world: World) => boolean) | undefined
  /** The index of whose task runs next; asked only if there are two or more. */
  readonly pick?: ((ready: ReadonlyArray<Ready>) => number) | undefined
  /** Whether the next timer fires although somebody could run, as on a machine that is busy. */
  readonly late?: ((world: World) => boolean) | undefined
}

interface Timer {
  readonly at: number
  readonly fire: () => void
}

export class World implements Scheduler {
  readonly executionMode = "async" as const
  /** Steps of all run loops so far, those of pauses included. */
  steps = 0
  /** Operations so far, without those of pauses: the same number for the same operation however often fibers paused. */
  operations = 0
  /** Points so far; the first is 1. */
  points = 0
  /** Virtual time in milliseconds since the start. */
  now = 0
  readonly timers: Array<Timer> = []
  /** Those that have tasks, by the age of their first. */
  private ready: Array<Queue> = []
  private scheduled = 0
  /** How often time passed although somebody could run. */
  lates = 0
  private readonly director: Director
  private readonly maxSteps: number
  private owners = 0
  /** Of the loop. Every fiber that may yield takes an operation in its turn; those that may not are not seen. */
  private turns = 0
  private closed = false
  /** Fibers that were made to pause: the pause itself takes two operations, which must not be paused again. */
  private readonly pausing = new Map<object, number>()
  private nextAt = Infinity
  private readonly jobs: Array<{ readonly point: number; readonly run: () => void }> = []
  private due: Array<() => void> = []
  /** Told of each pause, and whether it is there for a job; for a run that is watched. */
  onPause: ((fiber: Fiber.Fiber<unknown, unknown>, forJob: boolean) => void) | undefined = undefined

  constructor(director: Director, maxSteps: number) {
    this.director = director
    this.maxSteps = maxSteps
  }

  /** More operations than the limit, or more turns where operations are not counted: something runs in circles. */
  get overrun(): boolean {
    return this.steps > this.maxSteps || this.turns > this.maxSteps
  }

  /** Sleeps may end between two milliseconds. */
  private get nanos(): bigint {
    return BigInt(Math.round(this.now * 1_000_000))
  }

  /** Somebody can run now. */
  get busy(): boolean {
    return this.ready.length > 0
  }

  /** Runs `job` at that point, or at the first later one. */
  at(point: number, run: () => void): void {
    this.jobs.push({ point, run })
    this.jobs.sort((a, b) => a.point - b.point)
    this.nextAt = this.jobs[0]!.point
  }

  private reach(): void {
    if (++this.points < this.nextAt) return
    while (this.jobs.length > 0 && this.jobs[0]!.point <= this.points) this.due.push(this.jobs.shift()!.run)
    this.nextAt = this.jobs.length > 0 ? this.jobs[0]!.point : Infinity
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    this.steps++
    if (this.closed || this.overrun) return true
    if (this.pausing.size > 0) {
      const left = this.pausing.get(fiber)
      if (left !== undefined) return this.resumes(fiber, left)
    }
    this.operations++
    // Effect's own yield counts operations, so it never strikes at the first one after a fiber was resumed.
    if (fiber.currentOpCount === 1) return false
    this.reach()
    const { pause } = this.director
    const pauses = (pause !== undefined && pause(this)) || this.due.length > 0
    if (pauses) this.pause(fiber)
    return pauses
  }

  /** The next thing that it schedules is the end of its pause. */
  private pause(fiber: Fiber.Fiber<unknown, unknown>): void {
    this.pausing.set(fiber, 2)
    this.pausesNow = true
    this.onPause?.(fiber, this.due.length > 0)
  }
  private pausesNow = false

  /** The two operations of a pause: its own end, and what it was put before. */
  private resumes(fiber: Fiber.Fiber<unknown, unknown>, left: number): boolean {
    if (left === 2) {
      this.pausing.set(fiber, 1)
      return false
    }
    this.pausing.delete(fiber)
    // Unless it was interrupted meanwhile: then this is the first operation of its clean-up.
    if ((fiber as { readonly _interruptedCause?: unknown })._interruptedCause === undefined) return false
    this.reach()
    const pauses = this.due.length > 0
    if (pauses) this.pause(fiber)
    return pauses
  }

  makeDispatcher(): SchedulerDispatcher {
    return new Queue(this.owners++, this.schedule)
  }

  private readonly schedule = (queue: Queue, run: () => void, priority: number): void => {
    const task = { number: ++this.scheduled, priority, resumes: this.pausesNow, run }
    this.pausesNow = false
    if (this.closed) return
    const { tasks } = queue
    let at = tasks.length
    while (at > 0 && tasks[at - 1]!.priority > priority) at--
    tasks.splice(at, 0, task)
    if (tasks.length === 1) this.ready.push(queue)
  }

  readonly clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => this.now,
    currentTimeNanosUnsafe: () => this.nanos,
    monotonicTimeNanosUnsafe: () => this.nanos,
    currentTimeMillis: Effect.sync(() => this.now),
    currentTimeNanos: Effect.sync(() => this.nanos),
    monotonicTimeNanos: Effect.sync(() => this.nanos),
    sleep: (duration) => {
      const millis = Duration.toMillis(duration)
      if (!(millis > 0)) return Effect.yieldNow
      return Effect.callback<void>((resume) => {
        if (millis === Infinity) return
        const timer = { at: this.now + millis, fire: () => resume(Effect.void) }
        this.timers.push(timer)
        return Effect.sync(() => {
          const index = this.timers.indexOf(timer)
          if (index >= 0) this.timers.splice(index, 1)
        })
      })
    }
  }

  /**
   * Runs until nothing can happen any more, or `until` holds; with `standing` time does not pass.
   */
  run(until: () => boolean, standing = false): void {
    while (true) {
      while (this.due.length > 0) this.due.shift()!()
      if (this.overrun || until()) return
      this.turns++
      if (this.ready.length > 0 && (standing || !this.isLate())) this.turn()
      else if (!standing && this.timers.length > 0) this.tick()
      else return
    }
  }

  private isLate(): boolean {
    if (this.timers.length === 0 || this.director.late?.(this) !== true) return false
    this.lates++
    return true
  }

  private turn(): void {
    const { ready } = this
    const { pick } = this.director
    const index = ready.length === 1 || pick === undefined ? 0 : pick(ready)
    const { tasks } = ready[index]!
    if (!tasks[0]!.resumes) this.reach()
    // Whoever was going to run is chosen again after the job.
    if (this.due.length > 0) return
    const [queue] = ready.splice(index, 1)
    const task = tasks.shift()!
    if (tasks.length > 0) this.wait(queue!)
    task.run()
  }

  private wait(queue: Queue): void {
    const { number } = queue.tasks[0]!
    const later = this.ready.findIndex(({ tasks }) => tasks[0]!.number > number)
    this.ready.splice(later < 0 ? this.ready.length : later, 0, queue)
  }

  private tick(): void {
    const { timers } = this
    this.reach()
    if (this.due.length > 0) return
    let next = 0
    // Of two at one instant the older fires first.
    for (let index = 1; index < timers.length; index++) if (timers[index]!.at < timers[next]!.at) next = index
    const [timer] = timers.splice(next, 1)
    this.now = Math.max(this.now, timer!.at)
    timer!.fire()
  }

  /** Nothing of this world runs again, whatever a promise or real timer still resumes. */
  close(): void {
    this.closed = true
    this.ready = []
    this.timers.length = 0
  }
}
