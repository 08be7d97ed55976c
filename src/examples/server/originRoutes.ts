/**
 * The origin's routes: slow, stalling, failing and endless answers to try a fetch on. Bodies are streams, so that a
 * client which leaves ends their timers: the server interrupts the stream when the socket closes.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Http from "node:http"
import { ledgerPath, type OriginLedger } from "./originLedger.ts"
import { bytes, milliseconds, printable, whole, withQuery } from "./originQuery.ts"

const index = `Origin of the rescind example. All routes answer to GET.
/page                                 a small HTML page, at once
/slow?ms=1000                         a line of text, after ms
/stall?after=1024                     some bytes, then nothing for ever (after=0: not even headers)
/fail?status=503                      an error status, 400 to 599
/reset?after=1024                     some bytes, then the socket is destroyed
/chunked?chunks=10&ms=100&bytes=1024  chunks, ms apart (length=1: announces the whole length)
/redirect?to=/page&times=1            redirects to itself, and the last time to the target
/huge?bytes=104857600                 as many bytes as you like, as fast as they are read
/file?mirror=a&ms=1000                the same 256 KiB from every mirror, spread over ms
${ledgerPath}                              requests that are open, and those whose client left early (JSON)
`

const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A small page &amp; nothing else</title></head>
<body><p>It came from the origin of the rescind example.</p></body></html>
`

const block = new Uint8Array(64 * 1024).fill(0x2e)
const file = Uint8Array.from({ length: 256 * 1024 }, (_, i) => (i * 31 + (i >> 8)) & 0xff)
const fileParts = 16

/** `total` bytes, as fast as the client reads. */
const filler = (total: number): Stream.Stream<Uint8Array> =>
  Stream.unfold(total, (left) =>
    Effect.succeed(left === 0 ? undefined : ([block.subarray(0, left), Math.max(0, left - block.length)] as const))
  )

/** `count` pieces, the first at once and each further one `ms` later. */
const paced = (count: number, ms: number, piece: (i: number) => Uint8Array): Stream.Stream<Uint8Array> =>
  Stream.unfold(0, (i) => {
    if (i === count) return Effect.succeed(undefined)
    const next = Effect.sync(() => [piece(i), i + 1] as const)
    return i === 0 ? next : Effect.delay(next, ms)
  })

const binary = (body: Stream.Stream<Uint8Array>, contentLength?: number): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.stream(body, { contentType: "application/octet-stream", contentLength })

type Answer = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  never,
  HttpServerRequest.HttpServerRequest | HttpServerRequest.ParsedSearchParams
>

const get = (path: HttpRouter.PathInput, answer: Answer): HttpRouter.Route => HttpRouter.route("GET", path, answer)

const slow = withQuery(Schema.Struct({ ms: milliseconds(1000) }), ({ ms }) =>
  Effect.delay(Effect.succeed(HttpServerResponse.text(`Answered after ${ms} ms.\n`)), ms)
)

const stall = withQuery(Schema.Struct({ after: bytes(1024) }), ({ after }) =>
  Effect.succeed(binary(Stream.concat(filler(after), Stream.never)))
)

const fail = withQuery(Schema.Struct({ status: whole(400, 599, 503) }), ({ status }) =>
  Effect.succeed(HttpServerResponse.text(`Failed with ${status}, as asked.\n`, { status }))
)

const reset = (ledger: OriginLedger): Answer =>
  withQuery(Schema.Struct({ after: bytes(1024) }), ({ after }) =>
    Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
      const response = NodeHttpServerRequest.toServerResponse(request) as Http.ServerResponse
      const cut = Stream.fromEffectDrain(Effect.sync(() => ledger.cut(response)))
      return binary(Stream.concat(filler(after), cut))
    })
  )

const chunkedQuery = Schema.Struct({
  chunks: whole(0, 10_000, 10),
  ms: milliseconds(100),
  bytes: whole(1, block.length, 1024),
  length: whole(0, 1, 0)
})
const chunked = withQuery(chunkedQuery, ({ chunks, ms, bytes, length }) => {
  const body = paced(chunks, ms, () => block.subarray(0, bytes))
  return Effect.succeed(binary(body, length === 1 ? chunks * bytes : undefined))
})

const redirect = withQuery(Schema.Struct({ to: printable, times: whole(1, 100, 1) }), ({ to, times }) => {
  const next = times === 1 ? to : `/redirect?to=${encodeURIComponent(to)}&times=${times - 1}`
  return Effect.succeed(HttpServerResponse.redirect(next))
})

const huge = withQuery(Schema.Struct({ bytes: bytes(100 * 1024 ** 2) }), ({ bytes }) =>
  Effect.succeed(binary(filler(bytes), bytes))
)

const fileQuery = Schema.Struct({ mirror: Schema.optionalKey(printable), ms: milliseconds(1000) })
const mirrored = withQuery(fileQuery, ({ ms }) => {
  const size = file.length / fileParts
  const part = (i: number): Uint8Array => file.subarray(i * size, (i + 1) * size)
  return Effect.succeed(binary(paced(fileParts, ms / (fileParts - 1), part), file.length))
})

const showLedger = (ledger: OriginLedger): Answer =>
  Effect.gen(function* () {
    const openRequests = yield* ledger.openRequests
    return HttpServerResponse.jsonUnsafe({ openRequests, closedEarly: yield* ledger.closedEarly })
  })

export const routes = (ledger: OriginLedger): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  HttpRouter.addAll([
    get("/", Effect.succeed(HttpServerResponse.text(index))),
    get("/page", Effect.succeed(HttpServerResponse.html(page))),
    get("/slow", slow),
    get("/stall", stall),
    get("/fail", fail),
    get("/reset", reset(ledger)),
    get("/chunked", chunked),
    get("/redirect", redirect),
    get("/huge", huge),
    get("/file", mirrored),
    get(ledgerPath, showLedger(ledger)),
    HttpRouter.route<never, never>("*", "*", HttpServerResponse.text(index, { status: 404 }))
  ])
