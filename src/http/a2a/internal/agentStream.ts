/** Sends what happens to a task to one client, as server-sent events. */
import type { A2AError } from "@a2a-js/sdk/errors"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Chunk } from "../../internal/stream/chunk.ts"
import type { EventWriter } from "../../internal/stream/logReader.ts"
import { sendOnNode } from "../../internal/stream/onNode.ts"
import { SlotWriter } from "../../internal/stream/slotWriter.ts"
import type { OpenStream } from "../../OpenStreams.ts"
import type { AgentServer } from "./agentServer.ts"
import { failed, refusalOf } from "./refusal.ts"

/** How events stand in a stream of one binding. */
export interface Framing {
  readonly before: string
  readonly after: string
  /** As JSON: of what happens when the head of the answer is out. */
  readonly failed: (error: A2AError) => string
}

/** What follows is sent by this, before it is known whether there is anything: over a limit nothing is started. */
export const admit = (server: AgentServer): Effect.Effect<OpenStream, A2AError, Scope.Scope> =>
  Effect.mapError(server.streams.open(undefined), refusalOf)

export const respond = (
  request: HttpServerRequest.HttpServerRequest,
  stream: OpenStream,
  events: Stream.Stream<{ readonly json: string }>,
  framing: Framing,
  more: Readonly<Record<string, string>>
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const sending = new AgentSending(stream, events, framing)
  const response = HttpServerResponse.stream(
    Stream.suspend(() => SlotWriter.stream((writer) => sending.through(writer))),
    { headers: { ...headers, ...more }, contentType: "text/event-stream" }
  )
  return Effect.as(sendOnNode(request, response, sending), response)
}

/** No proxy may keep or delay an event. */
const headers = { "cache-control": "no-store", "x-accel-buffering": "no" }

class AgentSending {
  private readonly stream: OpenStream
  private readonly events: Stream.Stream<{ readonly json: string }>
  private readonly framing: Framing
  /** Whether the client has room for more than it was sent. */
  private hasRoom = true

  constructor(stream: OpenStream, events: Stream.Stream<{ readonly json: string }>, framing: Framing) {
    this.stream = stream
    this.events = events
    this.framing = framing
  }

  through(writer: EventWriter): Effect.Effect<void> {
    const { stream } = this
    return stream.run(
      Effect.suspend(() => {
        stream.reader = {
          ping: (chunk) => {
            if (this.hasRoom) this.write(writer, chunk)
          }
        }
        return Stream.runForEachArray(this.events, (events) => this.send(writer, this.framed(events)))
      }).pipe(
        Effect.catchDefect((defect) =>
          Effect.andThen(
            Effect.logError("An event stream of an agent failed", defect),
            this.send(writer, this.failure())
          )
        ),
        Effect.andThen(Effect.sync(() => stream.closing("end")))
      )
    )
  }

  private framed(events: ReadonlyArray<{ readonly json: string }>): Chunk {
    const { after, before } = this.framing
    let text = ""
    for (const { json } of events) text += before + json + after
    return new Chunk(text, 0)
  }

  private failure(): Chunk {
    return new Chunk(`event: error\ndata: ${this.framing.failed(failed)}\n\n`, 0)
  }

  /** Waits until there is room for more. */
  private send(writer: EventWriter, chunk: Chunk): Effect.Effect<void> {
    return this.write(writer, chunk) ? Effect.void : this.room(writer)
  }

  private write(writer: EventWriter, chunk: Chunk): boolean {
    this.hasRoom = writer.write(chunk)
    this.stream.hooks.delivered(chunk.size)
    return this.hasRoom
  }

  private room(writer: EventWriter): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const withdraw = writer.onRoom({
        advance: () => {
          this.hasRoom = true
          resume(Effect.void)
        }
      })
      return Effect.sync(withdraw)
    })
  }
}
