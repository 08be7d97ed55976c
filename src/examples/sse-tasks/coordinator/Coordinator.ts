/**
 * Runs the tasks of the store: starts each record at most once, cancels, limits their time and saves how they ended.
 * What runs is in `Tasks`, what was and will be is in the store; the coordinator keeps no list of its own. A task belongs
 * to no client: who leaves stops nothing, and who comes joins what runs.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as CancelPolicy from "../../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import { Draining, type DrainReport, Tasks, type TooManyTasks } from "../../../fibers/Tasks.ts"
import * as Drain from "../../../http/Drain.ts"
import { OpenStreams } from "../../../http/OpenStreams.ts"
import * as Problem from "../../../http/Problem.ts"
import type { TaskRecord } from "../store/TaskRecord.ts"
import { isFinal } from "../store/TaskRecord.ts"
import { type Draft, type StoreFailed, TaskStore } from "../store/TaskStore.ts"
import * as TaskKey from "../TaskKey.ts"
import * as Attempt from "./Attempt.ts"
import { NoSuchModel, NoSuchTask, WrongState } from "./coordinatorErrors.ts"
import { bodyOf } from "./body.ts"
import { type CancelAnswer, type CancelCall, cancelOf } from "./cancelOf.ts"
import { watch } from "./watch.ts"
import type { TaskModel } from "./TaskModel.ts"

export interface Options<R> {
  readonly models: ReadonlyArray<TaskModel<R>>
  /** The longest that any task may run, whatever it or its model says. Default: an hour. */
  readonly maxRunTime?: Duration.Input | undefined
}

type Refused = NoSuchTask | NoSuchModel | WrongState | StoreFailed | TooManyTasks | Draining

export class Coordinator extends Context.Service<
  Coordinator,
  {
    readonly models: ReadonlyArray<TaskModel<any>>
    /** True once a shutdown has begun. */
    readonly draining: Effect.Effect<boolean>
    /** A pending record, whose parameters fit its model. */
    readonly create: (draft: Draft) => Effect.Effect<TaskRecord, NoSuchModel | Problem.Problem | StoreFailed | Draining>
    readonly find: (key: TaskKey.TaskKey) => Effect.Effect<Attempt.Found, NoSuchTask | StoreFailed>
    readonly list: (
      filter: Parameters<TaskStore["Service"]["list"]>[0]
    ) => Effect.Effect<ReadonlyArray<TaskRecord>, StoreFailed>
    /** Starts what is pending; does nothing to what runs or has ended. */
    readonly start: (key: TaskKey.TaskKey) => Effect.Effect<Attempt.Found, Refused>
    /** Runs what failed, was cancelled or timed out again; if it cannot, the record still tells how it ended. */
    readonly retry: (key: TaskKey.TaskKey) => Effect.Effect<Attempt.Found, Refused>
    readonly cancel: (key: TaskKey.TaskKey, call?: CancelCall) => Effect.Effect<CancelAnswer, NoSuchTask | StoreFailed>
    /** The same in three parts and one word: false if it was not running, or nobody knows it. */
    readonly cancelTask: (app: string, model: string, id: number) => Effect.Effect<boolean, StoreFailed>
    /** Lets a task go on that waits for that, or will once it runs. */
    readonly letContinue: (key: TaskKey.TaskKey) => Effect.Effect<TaskRecord, NoSuchTask | WrongState | StoreFailed>
    /** Moves the end of the maximum run time; false if there is none to move. */
    readonly extend: (key: TaskKey.TaskKey, by: Duration.Input) => Effect.Effect<boolean, NoSuchTask | StoreFailed>
    /**
     * Starts nothing any more, cancels all, waits until clients have read the end and the store has it, and says who was
     * left behind. At most `timeout` (default: 30 seconds) for the tasks, then a second for the clients and three for the
     * store. A second call joins the first.
     */
    readonly shutdown: (options?: {
      readonly timeout?: Duration.Input | undefined
      readonly by?: string | undefined
    }) => Effect.Effect<DrainReport>
  }
>()("rescind/examples/sse-tasks/Coordinator") {
  static readonly layer = <R>(
    options: Options<R>
  ): Layer.Layer<Coordinator, StoreFailed, TaskStore | Tasks | OpenStreams | R> =>
    Layer.effect(Coordinator, make(options))
}

const make = <R>(options: Options<R>) =>
  Effect.gen(function* () {
    const context = (yield* Effect.context<R>()) as Context.Context<never>
    const store = yield* TaskStore
    const tasks = yield* Tasks
    const streams = yield* OpenStreams
    const maxRunTime = CancelPolicy.limit("maxRunTime", options.maxRunTime ?? "1 hour")
    const models = new Map(options.models.map((model) => [`${model.app}/${model.model}`, model]))
    const attempts = new WeakMap<object, Attempt.Attempt>()
    const starting = yield* Semaphore.make(1)

    for (const record of yield* store.recover) {
      yield* Effect.logWarning(`Task ${TaskKey.toString(record)} was cut off by the end of the last server: failed`)
    }
    // Below what waits for them to be empty.
    const watchers = yield* FiberSet.make<void>()

    const modelOf = (app: string, model: string) => {
      const found = models.get(`${app}/${model}`)
      return found === undefined
        ? Effect.fail(new NoSuchModel({ app, model, known: Array.from(models.keys()) }))
        : Effect.succeed(found)
    }
    const taskOf = (key: TaskKey.TaskKey) => tasks.get(TaskKey.toString(key))
    const look = Effect.fnUntraced(function* (key: TaskKey.TaskKey) {
      const record = yield* store.get(key)
      if (Option.isNone(record)) return yield* Effect.fail(new NoSuchTask({ key }))
      return yield* withAttempt(record.value)
    })
    const withAttempt = (record: TaskRecord): Effect.Effect<Attempt.Found> =>
      Effect.map(taskOf(record), (task) => {
        const known = Option.isNone(task) ? undefined : attempts.get(task.value)
        const attempt = known?.number === record.attempts ? known : undefined
        return { record: Attempt.overlaid(record, attempt), attempt }
      })
    /** Of a record that is just being started, once it is. */
    const find = (key: TaskKey.TaskKey) =>
      Effect.flatMap(look(key), (found) =>
        found.record.status === "running" && found.attempt === undefined
          ? starting.withPermits(1)(look(key))
          : Effect.succeed(found)
      )

    const launch = Effect.fnUntraced(function* (record: TaskRecord) {
      const key = TaskKey.make(record.app, record.model, record.id)
      const model = yield* modelOf(record.app, record.model)
      const attempt = yield* Attempt.make(key, model, record.attempts)
      const task = yield* tasks.start(TaskKey.toString(key), bodyOf(attempt, record, store), {
        record: Attempt.record(attempt)
      })
      attempts.set(task, attempt)
      const own = record.max_run_seconds === undefined ? model.maxRunTime : Duration.seconds(record.max_run_seconds)
      const limit = Duration.min(own === undefined ? maxRunTime : Duration.fromInputUnsafe(own), maxRunTime)
      yield* FiberSet.run(watchers, watch(task, attempt, limit, store))
      yield* Effect.logInfo(`Task ${TaskKey.toString(key)} started, attempt ${record.attempts}`)
      return { record, attempt }
    })
    /** One at a time, and not to be stopped half-way: a claimed record has its task, or is given back. */
    const begin = (
      key: TaskKey.TaskKey,
      claim: Effect.Effect<Option.Option<TaskRecord>, StoreFailed>,
      before?: TaskRecord
    ): Effect.Effect<Option.Option<Attempt.Found>, Refused> =>
      Effect.gen(function* () {
        const claimed = yield* claim
        if (Option.isNone(claimed)) return Option.none()
        const { started_at: _, ...record } = claimed.value
        const was = before ?? { ...record, status: "pending", attempts: record.attempts - 1 }
        const found = yield* withContext(launch(claimed.value), context).pipe(
          Effect.catchTag("AlreadyRunning", () =>
            Effect.fail(new WrongState({ key, status: was.status, message: stillRunning }))
          ),
          Effect.tapError(() => store.unclaim(was))
        )
        return Option.some(found)
        // oxlint-disable-next-line rescind/no-bare-uninterruptible -- a few statements, no wait: no shield is needed
      }).pipe(Effect.uninterruptible, starting.withPermits(1))
    const start = (key: TaskKey.TaskKey) =>
      Effect.flatMap(begin(key, store.claim(key)), (begun) =>
        Option.isSome(begun) ? Effect.succeed(begun.value) : look(key)
      )

    const cancel = cancelOf(find, taskOf)
    const shutdown = Effect.fnUntraced(function* (options?: {
      timeout?: Duration.Input | undefined
      by?: string | undefined
    }) {
      const timeout = Duration.fromInputUnsafe(options?.timeout ?? CancelPolicy.shutdown.giveUp)
      const report = yield* Drain.run({
        reason: CancelReason.shutdown({ by: options?.by }),
        giveUp: timeout,
        flush: "1 second"
      }).pipe(Effect.provideService(Tasks, tasks), Effect.provideService(OpenStreams, streams))
      // A store that takes nothing any more holds it no longer than this; what it lacks is logged.
      yield* Effect.timeoutOption(FiberSet.awaitEmpty(watchers), saveWithin)
      yield* FiberSet.clear(watchers)
      return report
    })
    // Whoever forgets it gets it all the same, before the store closes.
    yield* Effect.addFinalizer(() => shutdown())

    return Coordinator.of({
      models: options.models,
      draining: tasks.draining,
      create: Effect.fnUntraced(function* (draft: Draft) {
        if (yield* tasks.draining) return yield* Effect.fail(new Draining())
        const model = yield* modelOf(draft.app, draft.model)
        const schema = Schema.Struct({ params: model.params })
        const { params } = yield* Problem.decode(Schema.toCodecJson(schema), "body")({ params: draft.params })
        const encode = Schema.encodeEffect(Schema.toCodecJson(model.params))
        return yield* store.create({ ...draft, params: yield* Effect.orDie(encode(params)) })
      }),
      find,
      list: (filter) =>
        Effect.flatMap(store.list(filter), (records) =>
          Effect.forEach(records, (record) => Effect.map(withAttempt(record), ({ record }) => record))
        ),
      start,
      retry: Effect.fnUntraced(function* (key: TaskKey.TaskKey) {
        const { attempt, record } = yield* find(key)
        const refuse = (message: string) => Effect.fail(new WrongState({ key, status: record.status, message }))
        if (!isFinal(record.status) || record.status === "completed") {
          return yield* refuse(`Only what failed, timed out or was cancelled can be retried; it is ${record.status}`)
        }
        // The end may be told and not yet saved.
        if (attempt !== undefined && Option.isNone(yield* Effect.timeoutOption(attempt.saved.await, saveWithin))) {
          return yield* refuse("How it ended is not saved yet, since the store refuses that; try again later")
        }
        const begun = yield* begin(key, store.reclaim(record), record)
        if (Option.isNone(begun)) return yield* refuse("Its record was changed meanwhile; look at it again")
        yield* Effect.logInfo(`Task ${TaskKey.toString(key)} is retried`)
        return begun.value
      }),
      cancel,
      cancelTask: (app, model, id) =>
        cancel(TaskKey.make(app, model, id)).pipe(
          Effect.map(({ cancelled }) => cancelled),
          Effect.catchTag("NoSuchTask", () => Effect.succeed(false))
        ),
      letContinue: Effect.fnUntraced(function* (key: TaskKey.TaskKey) {
        const { record } = yield* find(key)
        const refuse = ({ status }: TaskRecord, why: string) =>
          Effect.fail(new WrongState({ key, status, message: `There is nothing to continue: ${why}` }))
        if (models.get(`${key.app}/${key.model}`)?.continues !== true) {
          return yield* refuse(record, `a ${key.model} does not wait for that`)
        }
        const goesOn = !isFinal(record.status) && (yield* store.letContinue(key))
        const { record: now } = yield* find(key)
        return goesOn ? now : yield* refuse(now, `it is ${now.status}`)
      }),
      extend: (key, by) =>
        Effect.flatMap(find(key), ({ attempt }) => attempt?.deadline?.extend(by) ?? Effect.succeed(false)),
      shutdown
    })
  })

/** How long anybody waits for the store to take how a task ended; it takes that in a moment, or has trouble. */
const saveWithin = "3 seconds"

const stillRunning = "The attempt before still runs; try again when it has ended"

/** In place of the services of the request: the task outlives it. */
const withContext = <A, E>(self: Effect.Effect<A, E>, context: Context.Context<never>): Effect.Effect<A, E> =>
  Effect.updateContext<never, never>(() => context)(self)
