/**
 * One task of a remote agent, from before the first byte of its message until it has ended or nobody here wants it
 * any more. A message whose answer is lost is neither repeated nor forgotten: the agent is asked what became of it. A
 * connection that breaks is followed by the next, which begins with the whole task.
 */
import type * as A2A from "@a2a-js/sdk"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { CancelReason, Draft } from "../../../../fibers/CancelReason.ts"
import * as Shield from "../../../../fibers/Shield.ts"
import { deadlineHeader } from "../../../internal/client/deadlineHeader.ts"
import { retryingWhile } from "../../../internal/client/retrying.ts"
import { AgentUnreachable, AnswerLost, type CallError } from "../../RemoteAgentError.ts"
import type { SendOptions } from "../../RemoteCall.ts"
import type { Call } from "./binding.ts"
import { findTask, getTask, hasMessage, responseOf, sendCall, snapshots } from "./calls.ts"
import { isQuestion, isSame, isTerminal, statusOf, TaskView } from "./taskView.ts"
import { ask, hasReason, inTime, isDecided, isTransient, open, type Wire } from "./wire.ts"
import { withdraw } from "./withdrawing.ts"

type Events = Stream.Stream<A2A.StreamResponse, CallError>

type Headers = Readonly<Record<string, string>>

/** So long must a connection have lived for its end to be a new trouble, and not more of the last one. */
const steadyMillis = 5_000

export class Conversation {
  readonly view = new TaskView()
  private readonly wire: Wire
  private readonly options: SendOptions
  /** Whether questions are answered here: then a task that asks is still ours. */
  private readonly answers: boolean
  private taskId: string | undefined
  private message: A2A.Message | undefined = undefined
  /** What became of the message. `lost`: it went out, and no more is known. */
  private sent: "no" | "lost" | "taken" = "no"
  /** The agent had begun to answer the message. */
  private begun = false
  /** Whether what comes of the task is the caller's: not yet while nothing of it has gone out. */
  private owns = false
  private over = false
  /** The question that the message answers. `unknown`: whoever answers knows it, this client does not. */
  private answered: A2A.TaskStatus | "unknown" | undefined
  /** The last of them is the one that is read. */
  private connections: Array<Scope.Closeable> = []
  private opened = Infinity
  private steady = false

  constructor(wire: Wire, options: SendOptions, answers: boolean, question?: A2A.TaskStatus) {
    this.wire = wire
    this.options = options
    this.answers = answers
    this.taskId = options.taskId
    this.answered = question ?? (options.taskId === undefined ? undefined : "unknown")
  }

  /** It waits for a message. */
  get asks(): boolean {
    return !this.over && this.isAsking(this.view.status)
  }

  /** Sends a message, and tells what comes of it up to the end of the task or its next question. */
  turn(message: A2A.Message): Events {
    const { retry } = this.wire
    return Stream.suspend(() => {
      this.message = message
      this.sent = "no"
      this.begun = false
      this.answered = this.view.status ?? this.answered
      const connection = Stream.unwrap(this.connect).pipe(
        Stream.takeUntil((event) => this.isLast(event)),
        Stream.concat(Stream.suspend(() => (this.over || this.asks ? Stream.empty : Stream.fail(torn(this.wire))))),
        Stream.tapError(() =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            this.steady ||= now - this.opened >= steadyMillis
          })
        )
      )
      return Stream.retry(
        connection,
        retryingWhile(retry, isTransient, () => this.steady)
      )
    })
  }

  /** Nobody here waits any more. What still runs is told so before its connection is closed: a close gives no reason. */
  leave(why: Effect.Effect<CancelReason | Draft>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { answers, asks, message, options, over, owns, sent, taskId, wire } = this
      const isLeft =
        over || !owns || (asks && !answers) || (taskId === undefined ? sent === "no" : options.onInterrupt === "detach")
      const told = isLeft ? Effect.void : Effect.flatMap(why, (reason) => withdraw(wire, taskId ?? message!, reason))
      return Effect.ensuring(told, this.hangUp(0))
    })
  }

  private isLast({ payload }: A2A.StreamResponse): boolean {
    if (payload?.$case === "message") return true
    const status = statusOf(payload)
    return isTerminal(status) || this.isAsking(status)
  }

  /** Not when it only repeats the question that is being answered. */
  private isAsking(status: A2A.TaskStatus | undefined): boolean {
    return isQuestion(status) && !this.isAnswered(status)
  }

  private isAnswered(status: A2A.TaskStatus | undefined): boolean {
    return this.answered !== "unknown" && isSame(status, this.answered)
  }

  /** An agent may begin with the task as it was before the answer. */
  private recall({ payload }: A2A.StreamResponse): void {
    if (this.answered === "unknown") this.answered = payload?.$case === "task" ? payload.value.status : undefined
  }

  private readonly note = (event: A2A.StreamResponse): A2A.StreamResponse => {
    this.recall(event)
    this.view.take(event)
    this.taskId ??= this.view.id
    this.sent = "taken"
    this.over ||= this.view.message !== undefined || isTerminal(this.view.status)
    return event
  }

  private get connect(): Effect.Effect<Events, CallError> {
    return Effect.suspend(() => {
      this.opened = Infinity
      this.steady = false
      switch (this.sent) {
        case "no":
          return this.send
        case "lost":
          return Effect.flatMap(this.recognise, (ours) => (ours ? this.resume : this.send))
        case "taken":
          return this.resume
      }
    })
  }

  private get send(): Effect.Effect<Events, CallError> {
    const { agent, giveUp } = this.wire
    return Effect.flatMap(deadlineHeader(undefined), (headers) => {
      let answer: Effect.Effect<Events, CallError> = Effect.never
      // Told past the shield: to a caller that was interrupted meanwhile a refusal is no failed clean-up.
      const sent = Effect.map(Effect.exit(this.sendOnce(headers)), (exit) => {
        answer = exit
      })
      // Its first event is waited for: whoever is interrupted before would not know what to cancel.
      return Effect.andThen(
        Shield.run(`send to ${agent}`, sent, { budget: giveUp }),
        Effect.suspend(() => answer)
      )
    })
  }

  private sendOnce(headers: Headers): Effect.Effect<Events, CallError> {
    return Effect.suspend(() => {
      const { owns, wire } = this
      this.sent = "lost"
      this.owns = true
      const call = sendCall(wire, this.message!, this.options)
      const answer = wire.streams
        ? this.openEvents(call, headers)
        : Effect.map(ask(wire, call, responseOf, headers), (event): Events =>
            event === undefined ? this.looked : Stream.concat(Stream.succeed(this.note(event)), this.looked)
          )
      return Effect.tapError(answer, (error) =>
        Effect.sync(() => {
          if (!isDecided(error)) return
          this.sent = "no"
          this.owns = owns
        })
      )
    })
  }

  private get resume(): Effect.Effect<Events, CallError> {
    const { taskId, wire } = this
    if (!wire.streams) return Effect.succeed(this.looked)
    const call = wire.binding("SubscribeToTask", { id: taskId! })
    return Effect.catchIf(
      inTime(wire, call, this.openEvents(call)),
      // It has ended meanwhile, or the agent does not do that.
      (error) => hasReason(error, "UNSUPPORTED_OPERATION"),
      () => Effect.succeed(this.looked)
    )
  }

  /** The task, as often as it has changed. */
  private get looked(): Events {
    return Stream.suspend(() => Stream.map(snapshots(this.wire, this.taskId!), this.note))
  }

  /** The events of a call, of which the first have come. */
  private openEvents(call: Call, headers: Headers = {}): Effect.Effect<Events, CallError> {
    return Effect.gen({ self: this }, function* () {
      const { wire } = this
      const connection = Scope.makeUnsafe()
      this.connections.push(connection)
      // Work may take its time to its first event; that an agent keeps quiet later is told by its heartbeats, or by asking.
      let hasBegun = call.name === "SubscribeToTask"
      const silence = () => (hasBegun ? wire.silence : Duration.infinity)
      const events = yield* Scope.provide(open(wire, call, responseOf, { silence, headers }), connection)
      this.begun = true
      const pull = yield* Scope.provide(
        Stream.toPull(Stream.filter(events, (event) => event !== undefined)),
        connection
      )
      const read = Effect.map(pull, (events) => {
        this.recall(events[0])
        const last = events.findIndex((event) => this.isLast(event))
        for (const event of last < 0 ? events : events.slice(0, last + 1)) this.note(event)
        return events
      })
      // On a fiber of the connection: an interrupt of the reader would close it, before the agent has been told why.
      const next = Effect.flatMap(Effect.forkIn(read, connection, { startImmediately: true }), Fiber.join)
      const first = yield* Effect.catchIf(
        next,
        (error) => Cause.isDone(error),
        () => Effect.fail(torn(wire))
      )
      hasBegun = true
      this.opened = yield* Clock.currentTimeMillis
      yield* this.hangUp(1)
      const later = Effect.tap(next, () => Effect.sync(() => (this.steady = true)))
      return Stream.concat(Stream.fromArray(first), Stream.fromPull(Effect.succeed(later)))
    })
  }

  /** Closes all connections but so many. */
  private hangUp(keep: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const old = this.connections.splice(0, this.connections.length - keep)
      return Effect.forEach(old, (connection) => Scope.close(connection, Exit.void), { discard: true })
    })
  }

  /** Whether the agent has the message whose answer is lost. */
  private get recognise(): Effect.Effect<boolean, CallError> {
    return Effect.gen({ self: this }, function* () {
      const { taskId, wire } = this
      const message = this.message!
      const { messageId } = message
      const lost = (detail: string) => new AnswerLost({ agent: wire.agent, messageId, detail })
      const found = yield* Effect.mapError(
        taskId === undefined ? findTask(wire, message) : getTask(wire, taskId),
        (error) => (isTransient(error) ? error : lost(error.message))
      )
      if (found === "unknown") return yield* Effect.fail(lost("it does not tell by its tasks"))
      const isOurs =
        found !== "none" && (taskId === undefined || hasMessage(found, messageId) || !this.isAnswered(found.status))
      if (isOurs) {
        this.taskId = found.id
        this.sent = "taken"
      } else if (this.begun) {
        return yield* Effect.fail(lost("it had begun to answer, and has no task of it"))
      }
      return isOurs
    })
  }
}

const torn = ({ agent }: Wire): AgentUnreachable =>
  new AgentUnreachable({ agent, call: "stream", detail: "the stream ended early" })
