/**
 * Tasks by id: one nursery, owned by the layer, whose tasks anyone can find,
 * follow and cancel. It replaces the dictionary of running tasks: a task is
 * registered before anybody can know its id, and its ended record is kept for a
 * time. Cancelling whoever started a task does not reach it; link with
 * `nursery.spawn` where it should.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { CancelResult } from "./CancelResult.ts"
import { cancelAllOn, cancelOn } from "./internal/cancelAs.ts"
import { type Accompanied, companion } from "./internal/companion.ts"
import { CurrentNode } from "./internal/currentNode.ts"
import { drain } from "./internal/drain.ts"
import { toWall } from "./internal/steady.ts"
import { planOf, TaskLimits } from "./internal/taskLimits.ts"
import type { TaskNode } from "./internal/taskNode.ts"
import { TaskRecord } from "./internal/taskRecord.ts"
import { AlreadyRunning, Draining, TaskNotFound, TooManyTasks } from "./internal/tasksErrors.ts"
import { TasksNode } from "./internal/tasksNode.ts"
import * as Task from "./Task.ts"
import type { TaskEvent } from "./TaskEvent.ts"
import type * as TaskOutcome from "./TaskOutcome.ts"
import type { TimeLimits } from "./TimeLimits.ts"

export { AlreadyRunning, Draining, TaskNotFound, TooManyTasks }

/**
 * One line of a listing.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskInfo {
  readonly id: string
  readonly attempt: number
  readonly state: "waiting" | "running" | "cancelling" | "straggling" | "completed" | "failed" | "cancelled"
  readonly startedAt: Option.Option<number>
  readonly endedAt: Option.Option<number>
  /** By when it must have ended, as its limits stand or stood last. Milliseconds, like the others. */
  readonly deadline: Option.Option<number>
}

/**
 * What a drain found and left.
 *
 * @category models
 * @since 0.1.0
 */
export interface DrainReport {
  readonly completed: ReadonlyArray<string>
  readonly failed: ReadonlyArray<string>
  readonly cancelled: ReadonlyArray<string>
  /** Still running when the drain gave up; also in `Stragglers`. */
  readonly abandoned: ReadonlyArray<string>
  readonly took: Duration.Duration
}

/**
 * How to drain: first let tasks finish by themselves for `finish` (default: not at
 * all), but for those that were started with `onShutdown: "cancel"`; then cancel.
 * `grace` and `giveUp` count from the cancel of each task.
 *
 * @category models
 * @since 0.1.0
 */
export interface DrainOptions extends Task.CancelOptions {
  readonly finish?: Duration.Input | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface StartOptions extends TimeLimits {
  /** How many events to keep for late followers, from the start on. Default: none are built until somebody follows. */
  readonly history?: number | undefined
  /**
   * Is handed every event from the first on, in the very step that changes the state: for a log of your own that
   * stores it. It must not throw, wait, or run anything of others; whoever only follows uses `events`.
   */
  readonly record?: ((event: TaskEvent) => void) | undefined
  /** Whether a drain lets it `"finish"` for the time that the drain has for that (default), or cancels it at once. */
  readonly onShutdown?: "finish" | "cancel" | undefined
}

type Refused = TooManyTasks | Draining

/**
 * @category services
 * @since 0.1.0
 */
export class Tasks extends Context.Service<
  Tasks,
  {
    /** Starts a task; of an ended id, a new attempt that replaces the record. */
    readonly start: <A, E, R>(
      id: string,
      effect: Effect.Effect<A, E, R>,
      options?: StartOptions
    ) => Effect.Effect<Task.Task<A, E>, AlreadyRunning | Refused, Exclude<R, Scope.Scope>>
    /** The task under this id, running or ended; started only if there is none. */
    readonly startIfMissing: <A, E, R>(
      id: string,
      effect: Effect.Effect<A, E, R>,
      options?: StartOptions
    ) => Effect.Effect<
      | { readonly started: true; readonly task: Task.Task<A, E> }
      | { readonly started: false; readonly task: Task.Task<unknown, unknown, unknown> },
      Refused,
      Exclude<R, Scope.Scope>
    >
    readonly get: (id: string) => Effect.Effect<Option.Option<Task.Task<unknown, unknown, unknown>>>
    readonly info: (id: string) => Effect.Effect<Option.Option<TaskInfo>>
    /** By the first start of each id; ended ones are kept for the retention of the layer. */
    readonly list: Effect.Effect<ReadonlyArray<TaskInfo>>
    readonly await: (id: string) => Effect.Effect<TaskOutcome.TaskOutcome<unknown, unknown, unknown>, TaskNotFound>
    readonly cancel: (id: string, options?: Task.CancelOptions) => Effect.Effect<CancelResult>
    /** Asks all of them to stop in one step, then waits for all: one answer each, in the order of the ids. */
    readonly cancelAll: (
      ids: Iterable<string>,
      options?: Task.CancelOptions
    ) => Effect.Effect<ReadonlyArray<CancelResult>>
    readonly requestCancel: (id: string, options?: Task.CancelOptions) => Effect.Effect<CancelResult>
    /** The events after `after` (default: all that are kept), live, up to and with the terminal one. */
    readonly events: (
      id: string,
      options?: { readonly after?: number | undefined }
    ) => Stream.Stream<TaskEvent, TaskNotFound>
    /**
     * Refuses new work, ends the old, and reports; a second call joins the first.
     * A task that drains its own service, in clean-up say, does not wait for itself
     * (contract K13), and stands in no list of the report that it gets.
     */
    readonly drain: (options?: DrainOptions) => Effect.Effect<DrainReport>
    /** True once a drain has begun. */
    readonly draining: Effect.Effect<boolean>
    /**
     * By when the drain that has begun will be over, in epoch milliseconds; none
     * before one has begun, and for one without bounds.
     */
    readonly drainsBy: Effect.Effect<Option.Option<number>>
  }
>()("rescind/fibers/Tasks") {
  /**
   * `maxRunning` bounds the tasks that live at once (default: no bound);
   * `retention` how long and how many ended records are kept (default: 10
   * minutes, 1,000), looked at when the service is used. When the layer closes,
   * what still runs is cancelled and awaited.
   */
  static readonly layer = (options?: {
    readonly maxRunning?: number | undefined
    readonly retention?: { readonly time?: Duration.Input | undefined; readonly count?: number | undefined } | undefined
  }): Layer.Layer<Tasks> =>
    Layer.effect(
      Tasks,
      Effect.map(
        Effect.acquireRelease(
          Effect.withFiber((fiber) =>
            Effect.succeed(
              new TasksNode(
                fiber.getRef(CurrentNode),
                fiber.getRef(Clock.Clock),
                options?.maxRunning ?? Infinity,
                Duration.toMillis(options?.retention?.time ?? "10 minutes"),
                options?.retention?.count ?? 1000
              )
            )
          ),
          (node) =>
            Effect.andThen(
              drain(node, undefined, "scope-closed"),
              Effect.sync(() => node.shut())
            )
        ),
        service
      )
    )
}

const history = 1024

const service = (tasks: TasksNode): Tasks["Service"] => {
  const launch = (
    id: string,
    effect: Effect.Effect<any, any, any>,
    options: (StartOptions & Accompanied) | undefined,
    fiber: Fiber.Fiber<any, any>,
    before: TaskNode | undefined
  ): Effect.Effect<TaskNode, Refused> => {
    const limits = planOf(options)
    if (tasks.draining !== undefined) return Effect.fail(new Draining())
    if (tasks.live >= tasks.maxRunning) return Effect.fail(new TooManyTasks({ maxRunning: tasks.maxRunning }))
    const beside = options?.[companion]
    const context = beside === undefined ? fiber.context : beside.services
    const task = tasks.register(id, effect, context, before)
    if (beside !== undefined) {
      TaskRecord.of(task).companion = beside
      beside.registered(task as never)
    }
    if (options?.history !== undefined && options.history > 0) TaskRecord.of(task).follow(options.history)
    if (options?.record !== undefined) TaskRecord.of(task).recordTo(options.record)
    if (options?.onShutdown === "cancel") TaskRecord.of(task).onShutdown = "cancel"
    if (limits !== undefined) TaskLimits.set(task, limits, context)
    tasks.starting.add(task, fiber)
    return Effect.succeed(task)
  }
  const found = (id: string) =>
    Effect.suspend(() => {
      const task = tasks.find(id)
      return task === undefined ? Effect.fail(new TaskNotFound({ id })) : Effect.succeed(task)
    })
  const cancelWith = (wait: boolean) => (id: string, options?: Task.CancelOptions) =>
    Effect.withFiber((fiber) => {
      const task = tasks.find(id)
      return task === undefined
        ? Effect.succeed<CancelResult>({ _tag: "NotFound", id })
        : cancelOn(fiber, task, options, wait)
    })
  return Tasks.of({
    start: (id, effect, options) =>
      Effect.withFiber((fiber): Effect.Effect<any, AlreadyRunning | Refused> => {
        const held = tasks.held(id)
        const state = held === undefined ? undefined : tasks.holds(held)
        return state === undefined
          ? launch(id, effect, options, fiber, held)
          : Effect.fail(new AlreadyRunning({ id, state }))
      }),
    startIfMissing: (id, effect, options) =>
      Effect.withFiber((fiber): Effect.Effect<{ readonly task: any; readonly started: any }, Refused> => {
        const held = tasks.find(id)
        return held !== undefined
          ? Effect.succeed({ task: held, started: false })
          : Effect.mapEager(launch(id, effect, options, fiber, undefined), (task) => ({ task, started: true }))
      }),
    get: (id) => Effect.sync(() => Option.fromUndefinedOr(tasks.find(id) as never)),
    info: (id) => Effect.sync(() => Option.map(Option.fromUndefinedOr(tasks.find(id)), (task) => tasks.infoOf(task))),
    list: Effect.sync(() => tasks.all().map((task) => tasks.infoOf(task))),
    await: (id) => Effect.flatMap(found(id), (task) => Task.await(task as never)),
    cancel: cancelWith(true),
    cancelAll: (ids, options) =>
      Effect.withFiber((fiber) => {
        const asked = Array.from(ids, (id) => ({ id, task: tasks.find(id) }))
        const found = asked.flatMap(({ task }) => task ?? [])
        return Effect.map(
          cancelAllOn(fiber, found, () => options, true),
          (answers) => {
            const answer = answers[Symbol.iterator]()
            return asked.map(({ id, task }): CancelResult =>
              task === undefined ? { _tag: "NotFound", id } : answer.next().value!
            )
          }
        )
      }),
    requestCancel: cancelWith(false),
    events: (id, options) =>
      Stream.unwrap(
        Effect.map(found(id), (task) =>
          TaskRecord.of(task)
            .follow(history)
            .after(options?.after ?? 0)
        )
      ),
    drain: (options) => drain(tasks, options, "shutdown"),
    draining: Effect.sync(() => tasks.draining !== undefined),
    drainsBy: Effect.sync(() => Option.map(Option.fromUndefinedOr(tasks.drainsBy), (at) => toWall(tasks.clock, at)))
  })
}
