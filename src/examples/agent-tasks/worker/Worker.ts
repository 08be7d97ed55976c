/**
 * A worker: takes tasks while it has a free slot, runs each as a task of the `Tasks` service, and passes every cancel on
 * as `Task.cancel`, so that it reaches the fiber and closes what that holds. It knows nothing of where the table is.
 * Interrupted, it cancels what it runs (`shutdown`), reports, says goodbye, and only then has ended.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import * as Nursery from "../../../fibers/Nursery.ts"
import { Tasks } from "../../../fibers/Tasks.ts"
import * as Wait from "../../../fibers/Wait.ts"
import type * as TaskDefinition from "../../../http/TaskDefinition.ts"
import { WorkerLink } from "../WorkerLink.ts"
import type { Assignment, Notice, Run } from "../workerMessages.ts"
import { execute } from "./execute.ts"

export interface Options<R> {
  /** Its name in the table: of two workers with one name, each takes the other's leases for its own. */
  readonly name: string
  /** What it can run. */
  readonly tasks: ReadonlyArray<TaskDefinition.Implementation<R>>
  /** How many at once. Default: 16. */
  readonly slots?: number | undefined
  /** How long the end waits for tasks that do not stop. Default: 2 seconds. */
  readonly patience?: Duration.Input | undefined
}

/** Each run is a task of its own: a late end of an old run never meets the new one. */
const keyOf = ({ id, run }: Run): string => `${id}#${run}`
const runOf = (key: string): Run => ({
  id: key.slice(0, key.indexOf("#")),
  run: Number(key.slice(key.indexOf("#") + 1))
})

/** A link that is down is tried again, for as long as it takes. */
const patiently = Schedule.min([Schedule.exponential("50 millis"), Schedule.spaced("1 second")])

export const run = <R>(options: Options<R>): Effect.Effect<never, never, WorkerLink | Exclude<R, Scope.Scope>> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { name, patience = "2 seconds", slots = 16 } = options
      const link = yield* WorkerLink
      const clock = yield* Clock.Clock
      const time = (): number => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
      const reports = yield* Nursery.make(`reports of ${name}`)
      const tasks = Context.get(yield* Layer.build(Tasks.layer({ retention: { count: 0 } })), Tasks)
      const slotFree = Latch.makeUnsafe(true)
      let busy = 0

      const slotGiven = (by: number): void => {
        busy += by
        if (busy < slots) slotFree.openUnsafe()
        else slotFree.closeUnsafe()
      }

      /** The runs that have not ended; also those whose report is under way. */
      const held = new Set<string>()

      const begin = (assignment: Assignment): Effect.Effect<void, never, Exclude<R, Scope.Scope>> =>
        Effect.gen(function* () {
          const key = keyOf(assignment)
          held.add(key)
          slotGiven(1)
          const report = yield* execute(assignment, options.tasks, (body) => tasks.start(key, body))
          yield* reports.spawn(
            key,
            report.pipe(
              Effect.flatMap((said) => Effect.retry(link.report(name, said), { times: 20, schedule: patiently })),
              Effect.catch((error) =>
                Effect.logWarning(`${name}: the end of ${key} is not reported: ${error.message}`)
              ),
              Effect.ensuring(
                Effect.sync(() => {
                  held.delete(key)
                  slotGiven(-1)
                })
              )
            )
          )
          // oxlint-disable-next-line rescind/no-bare-uninterruptible -- a few steps without a wait; a run that has begun is always reported
        }).pipe(Effect.uninterruptible)

      const obey = ({ graceMillis, reason, ...run }: Notice): Effect.Effect<unknown> =>
        tasks.requestCancel(keyOf(run), { reason, grace: graceMillis })

      let heardAt = time()
      const pulse = Effect.gen(function* () {
        const { cancelling, stale } = yield* link.heartbeat(name, Array.from(held, runOf))
        heardAt = time()
        yield* Effect.forEach(cancelling, obey, { discard: true })
        const message = "The table has decided this run without the worker"
        yield* Effect.forEach(
          stale,
          (run) => tasks.requestCancel(keyOf(run), { reason: CancelReason.superseded({ by: name, message }) }),
          { discard: true }
        )
      }).pipe(Effect.catch(() => (time() - heardAt < link.leaseMillis ? Effect.void : cutOff)))

      /** By now the table has given the runs away. */
      const cutOff = Effect.suspend(() =>
        Effect.forEach(
          held,
          (key) =>
            tasks.requestCancel(key, {
              reason: CancelReason.watchdog({
                by: name,
                message: "The task server does not answer: the lease has ended"
              })
            }),
          { discard: true }
        )
      )

      const goodbye = Effect.gen(function* () {
        yield* tasks.drain({ reason: CancelReason.shutdown({ by: name }), giveUp: patience })
        yield* Wait.poll(
          Effect.sync(() => held.size === 0),
          { interval: "5 millis", within: Infinity }
        )
        yield* link.leave(name)
      }).pipe(
        Effect.timeoutOption(Duration.sum(Duration.fromInputUnsafe(patience), Duration.seconds(1))),
        Effect.ignore
      )
      yield* Effect.addFinalizer(() => goodbye)

      const claiming = Effect.gen(function* () {
        yield* slotFree.await
        const claimed = yield* link.claim(name, slots - busy)
        if (claimed.length === 0) return
        yield* Effect.forEach(claimed, begin, { discard: true })
        // A cancel may have come between the claim and the start, when there was nobody to tell yet.
        yield* pulse
      }).pipe(
        Effect.catch((error) =>
          Effect.andThen(Effect.logDebug(`${name}: ${error.message}`), Effect.sleep("200 millis"))
        )
      )

      return yield* Effect.raceAllFirst([
        Effect.forever(claiming),
        Effect.forever(Effect.andThen(Effect.sleep(link.leaseMillis / 3), pulse)),
        // Ends when the server closes, and fails when it is gone.
        link
          .notices(name)
          .pipe(Stream.runForEach(obey), Effect.ignore, Effect.andThen(Effect.sleep("100 millis")), Effect.forever)
      ])
    })
  )

export const layer = <R>(options: Options<R>): Layer.Layer<never, never, WorkerLink | Exclude<R, Scope.Scope>> =>
  Layer.effectDiscard(Effect.forkScoped(run(options)))
