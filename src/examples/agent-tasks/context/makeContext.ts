/** Builds an `AgentContext` over the `AgentTasks` service. It lives as long as the scope. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import type { CancelResult } from "../../../fibers/CancelResult.ts"
import * as Checkpoint from "../../../fibers/Checkpoint.ts"
import * as Nursery from "../../../fibers/Nursery.ts"
import * as Task from "../../../fibers/Task.ts"
import type * as TaskDefinition from "../../../http/TaskDefinition.ts"
import { Name, NewTask, type TaskId } from "../AgentTask.ts"
import type { AgentTasksError } from "../agentTaskErrors.ts"
import { AgentTasks, type CancelCall } from "../AgentTasks.ts"
import { AgentContext, type ScheduleOptions } from "./AgentContext.ts"
import * as ChildAgent from "./childAgent.ts"
import { handleOf } from "./handleOf.ts"
import * as Journal from "./journal.ts"
import { OutcomeFeed } from "./OutcomeFeed.ts"
import { Outbox } from "./Outbox.ts"
import type { CancelOptions } from "./TaskHandle.ts"

export interface Options {
  /** Who the agent is: the owner of its tasks. */
  readonly name: string
  readonly journal?: Journal.Journal | undefined
  /** The workers that its tasks take turns on, where an option does not name one. Default: any. */
  readonly workers?: ReadonlyArray<string> | undefined
  /** Is called with each task as it is scheduled. */
  readonly onSchedule?: ((id: TaskId, label: string) => void) | undefined
  /** Is called with each task that was cancelled before it was sent. */
  readonly onDrop?: ((id: TaskId, reason: CancelReason.CancelReason) => void) | undefined
}

const checkedName = Schema.decodeUnknownEffect(Name)
/** One that the server would refuse must not be recorded: it would hold up all others of its batch. */
const checkedTask = Schema.decodeUnknownEffect(Schema.toType(NewTask))

/** So long the end of an agent waits for the server to take its cancels. */
const goodbye = "3 seconds"

/** Wire form of how a cancel is asked for. */
const callOf = ({ giveUp, grace, reason, wait }: CancelOptions = {}): CancelCall => ({
  ...(reason === undefined ? {} : { reason: onlyGiven(reason) }),
  ...(grace === undefined ? {} : { graceMillis: Math.min(millis(grace), Number.MAX_SAFE_INTEGER) }),
  ...(giveUp === undefined ? {} : finite("giveUpMillis", giveUp)),
  ...(wait === undefined ? {} : { wait })
})

/** A complete reason travels unchanged; of a draft, what it says. */
const onlyGiven = (reason: CancelReason.Draft | CancelReason.CancelReason): NonNullable<CancelCall["reason"]> => {
  if (reason instanceof CancelReason.CancelReason) return reason
  const { by, detail, message, source } = reason
  return { source, message, ...(by === undefined ? {} : { by }), ...(detail === undefined ? {} : { detail }) }
}

const millis = (input: Duration.Input): number => Math.ceil(Duration.toMillis(input))
const finite = (key: "giveUpMillis", input: Duration.Input): { readonly giveUpMillis?: number } =>
  millis(input) === Infinity ? {} : { [key]: millis(input) }

const newTask = (id: TaskId, definition: TaskDefinition.Any, input: Schema.Json, options: ScheduleOptions): NewTask => {
  const { cancellable, on, priority, replaces, retries, timeout } = options
  return {
    id,
    kind: definition.name,
    input,
    ...(priority === undefined ? {} : { priority }),
    ...(cancellable === undefined ? {} : { cancellable }),
    ...(timeout === undefined ? {} : { timeoutMillis: Math.max(1, millis(timeout)) }),
    ...(retries === undefined ? {} : { retries }),
    ...(replaces === undefined ? {} : { replaces: replaces.id }),
    ...(on === undefined ? {} : { on })
  }
}

export const make = (options: Options): Effect.Effect<AgentContext["Service"], never, AgentTasks | Scope.Scope> =>
  Effect.flatMap(AgentTasks, (tasks) => over(tasks, options, Effect.void))

const over = (
  tasks: AgentTasks["Service"],
  options: Options,
  spend: Effect.Effect<void>
): Effect.Effect<AgentContext["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const { journal = Journal.none, workers = [] } = options
    const name = yield* Effect.orDie(checkedName(options.name))
    const nursery = yield* Nursery.make<any>(name)
    const feed = new OutcomeFeed((ids) => tasks.wait(name, ids, "any"))
    const outbox = new Outbox(nursery, (batch) => tasks.submit(name, batch))
    yield* nursery.spawn("outcomes", feed.run, { background: true })
    const sent: Array<TaskId> = []
    /** Of which a cancel has said that they are over. */
    const ended = new Set<TaskId>()
    let count = 0

    /** Cancelled before they were sent: the server knows nothing of them. */
    const dropped = new Map<TaskId, CancelReason.CancelReason>()

    /** Cancels it if it was not sent. Answers undefined if it is the server's to cancel. */
    const drop = (
      id: TaskId,
      { reason: draft = CancelReason.request({ by: name }) }: CancelOptions
    ): Effect.Effect<CancelResult | undefined> =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const before = dropped.get(id)
        const task = outbox.drop(id)
        if (before === undefined && task === undefined) return undefined
        const reason = before ?? CancelReason.stamp(draft, id, now)
        const cancelled = { reason, how: "interrupted" } as const
        if (before !== undefined) return { _tag: "AlreadyCancelled", id, ...cancelled, took: Duration.zero }
        dropped.set(id, reason)
        options.onDrop?.(id, reason)
        const outcome = { _tag: "Cancelled", ...cancelled, tookMillis: 0 } as const
        feed.decide({ id, kind: task!.kind, owner: name, status: "cancelled", attempt: 1, run: 0, outcome })
        return { _tag: "Cancelled", id, ...cancelled, took: Duration.zero }
      })

    const cancelTask = (id: TaskId, how: CancelOptions = {}): Effect.Effect<CancelResult, AgentTasksError> =>
      Effect.flatMap(drop(id, how), (result) => {
        if (result !== undefined) return Effect.succeed(result)
        // If it did not arrive it is back in the outbox, and can be dropped.
        if (outbox.isSending(id)) return Effect.andThen(Effect.ignore(outbox.submit), cancelTask(id, how))
        const call = callOf({ ...how, reason: how.reason ?? CancelReason.request({ by: name }) })
        return Effect.tap(tasks.cancelTask(name, id, call), ({ _tag }) =>
          Effect.sync(() => {
            if (_tag !== "Requested") ended.add(id)
          })
        )
      })

    const cancelOpen = Effect.suspend(() => {
      const open = sent.filter((id) => feed.poll(id) === undefined && !ended.has(id))
      if (open.length === 0) return Effect.void
      return CancelReason.current.pipe(
        Effect.map(Option.getOrElse(() => CancelReason.bodyFailed({ by: name, message: "The agent failed" }))),
        Effect.flatMap((reason) => tasks.cancelMany(name, open, callOf({ reason }))),
        Effect.timeoutOption(goodbye),
        Effect.catch(({ message }) => Effect.logWarning(`${name}: its open tasks are not cancelled: ${message}`))
      )
    })
    yield* Effect.addFinalizer((exit) => (exit._tag === "Success" ? Effect.void : cancelOpen))

    const context: AgentContext["Service"] = {
      name,
      schedule: (definition, input, how = {}) =>
        Effect.gen(function* () {
          yield* spend
          const encoded = yield* Effect.orDie(
            Schema.encodeUnknownEffect(Schema.toCodecJson(definition.payload as TaskDefinition.AnyCodec))(input)
          )
          const at = count++
          const id = yield* Journal.once(
            journal,
            `task ${at}`,
            Schema.String,
            Effect.sync(() => crypto.randomUUID())
          )
          const on = how.on ?? workers[at % workers.length]
          outbox.add(yield* Effect.orDie(checkedTask(newTask(id, definition, encoded, { ...how, on }))))
          sent.push(id)
          options.onSchedule?.(id, how.label ?? `${definition.name} ${at + 1}`)
          return handleOf(definition, id, how.priority ?? 0, {
            ended: Effect.suspend(() =>
              dropped.has(id) ? feed.ended(id) : Effect.andThen(outbox.submit, feed.ended(id))
            ),
            results: Effect.andThen(outbox.submit, tasks.results(name, [id])),
            known: () => feed.poll(id),
            cancel: (how) => cancelTask(id, how)
          })
        }),
      submit: outbox.submit,
      cancelTask,
      cancelMany: (handles, { order, ...how } = {}) =>
        Effect.gen(function* () {
          const reason = how.reason ?? CancelReason.request({ by: name })
          const here = new Map<TaskId, CancelResult>()
          for (const { id } of handles) {
            const result = yield* drop(id, { reason })
            if (result !== undefined) here.set(id, result)
          }
          yield* outbox.submit
          const there = handles.map(({ id }) => id).filter((id) => !here.has(id))
          const items =
            there.length === 0 ? [] : yield* tasks.cancelMany(name, there, callOf({ ...how, reason }), order)
          const byId = new Map(items.map((item) => [item.id, item]))
          return handles.map(({ id }) => (here.has(id) ? { id, result: here.get(id)! } : byId.get(id)!))
        }),
      cancellationRequested: Task.requested,
      checkCancellation: Checkpoint.checkpoint,
      child: (below, agent, { budget } = {}) =>
        ChildAgent.start(nursery, `${name}/${below}`, budget, (spend) =>
          Effect.scoped(
            Effect.flatMap(
              over(tasks, { ...options, name: `${name}/${below}`, journal: Journal.none }, spend),
              (child) => Effect.provideService(agent, AgentContext, child)
            )
          )
        ) as never,
      once: (key, schema, effect) => Journal.once(journal, `once ${key}`, schema, effect)
    }
    return context
  })

export const layer = (options: Options): Layer.Layer<AgentContext, never, AgentTasks> =>
  Layer.effect(AgentContext, make(options))
