/**
 * The task of one handler, from its first step until its answer was sent. It is
 * working until it has an answer; from then on it is sending, which for a body in
 * memory is decided at once: no cancel undoes it any more. A body that is still
 * being made or read can be stopped, and then the answer is torn off, since it
 * must not look whole.
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Latch from "effect/Latch"
import type { CancelPolicy } from "../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { cancel } from "../../fibers/internal/cancelling.ts"
import { isInterruptible } from "../../fibers/internal/interruptible.ts"
import { Limit } from "../../fibers/internal/limit.ts"
import { steady } from "../../fibers/internal/steady.ts"
import { TaskNode } from "../../fibers/internal/taskNode.ts"
import { BodyHandOver } from "./bodyHandOver.ts"
import type { HandlersNode } from "./handlersNode.ts"

/** By when it must have answered, and who says so. */
export interface Budget {
  readonly within: Duration.Duration
  readonly by: string
}

export interface HandlerPlan {
  readonly name: string
  readonly policy: CancelPolicy
  readonly budget: Budget | undefined
  readonly onShutdown: "finish" | "cancel"
}

type Handler = Effect.Effect<HttpServerResponse.HttpServerResponse, any, any>

export class HandlerNode extends TaskNode {
  readonly handling: HandlerPlan
  /** The fiber of the request, which waits for the answer and writes it. */
  private readonly requester: Fiber.Fiber<any, any>
  private readonly outside: Context.Context<never>
  private readonly tell: (response: HttpServerResponse.HttpServerResponse) => void
  private own: Limit | undefined = undefined
  private body: BodyHandOver | undefined = undefined
  private readonly written = Latch.makeUnsafe(false)
  /** It has an answer. */
  sending = false
  /** The request is over, however it ended. */
  private over = false

  constructor(
    plan: HandlerPlan,
    up: HandlersNode,
    handler: Handler,
    requester: Fiber.Fiber<any, any>,
    tell: (response: HttpServerResponse.HttpServerResponse) => void
  ) {
    const work: Handler = Effect.flatMap(handler, (response) => this.answered(response)) as never
    // A route that is not to be interrupted is not, on its own fiber neither.
    // oxlint-disable-next-line rescind/no-bare-uninterruptible -- the route says so itself
    super("task", plan.name, up, isInterruptible(requester) ? work : Effect.uninterruptible(work), requester.context)
    this.handling = plan
    this.outside = requester.context
    this.requester = requester
    this.tell = tell
  }

  override get onShutdown(): "finish" | "cancel" {
    return this.handling.onShutdown
  }

  override open(): void {
    super.open()
    const { budget } = this.handling
    if (budget === undefined) return
    const at = steady(this.clock) + Duration.toMillis(budget.within)
    this.own = this.limit = new Limit(this, this.limit, this.outside, () => this.timedOut(budget), at)
  }

  begin(): void {
    const limit = this.own
    this.start()
    limit?.moveTo(limit.at)
  }

  override get deadline(): number | undefined {
    return this.own?.wall
  }

  private timedOut({ by, within }: Budget): void {
    const message = `The limit of ${Duration.format(within)} passed`
    this.stop(CancelReason.timeout({ by, message }))
  }

  /** A cancel with the patience that the middleware was given. */
  stop(reason: CancelReason.Draft | CancelReason.CancelReason): void {
    cancel(this, reason, this.handling.policy, this.outside)
  }

  private answered(response: HttpServerResponse.HttpServerResponse): Effect.Effect<void, unknown, any> {
    return Effect.suspend(() => {
      const { body } = response
      this.sending = true
      if (body._tag === "Stream") {
        const handOver = (this.body = new BodyHandOver(body.stream))
        const streamed = HttpBody.stream(handOver.stream, body.contentType, body.contentLength)
        this.tell(HttpServerResponse.setHeaders(HttpServerResponse.setBody(response, streamed), response.headers))
        return Effect.andThen(Effect.interruptible(handOver.produce), this.decided)
      }
      if (body._tag === "Raw") {
        this.tell(response)
        return Effect.andThen(Effect.interruptible(this.written.await), this.decided)
      }
      this.settleAnswer()
      this.tell(response)
      return Effect.void
    })
  }

  private readonly decided = Effect.sync(() => this.settleAnswer())

  /** No cancel changes any more how it ends. */
  private settleAnswer(): void {
    this.committing = true
    this.own?.stop()
  }

  /** The server has written the answer, or has let go of it for this reason. */
  requestOver(reason: CancelReason.Draft | CancelReason.CancelReason | undefined): void {
    this.over = true
    if (reason !== undefined) this.stop(reason)
    this.body?.finish()
    this.written.openUnsafe()
  }

  override close(): void {
    this.own?.stop()
    super.close()
    this.body?.end(this.exit ?? this.mark!.exit)
    // Nobody pulls a body whose client does not read.
    if (this.sending && this.verdict === "cancelled" && !this.over) this.requester.interruptUnsafe()
  }
}
