import { connect } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import { wait } from "./probes.ts"
import { serving, type Site } from "./serving.ts"

const json = { "content-type": "application/json" }

const post = (site: Site, body: string, headers: Record<string, string> = json) =>
  site.request("/tasks/wait", { method: "POST", body, headers })

/** A body of so many bytes. */
const label = (bytes: number) => JSON.stringify({ label: "x".repeat(bytes - '{"label":""}'.length) })

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`

describe("JsonBody", () => {
  it.live("a body that is not JSON is 400 and says where it broke", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const body of ["{", '{"label":', "label=x", "{'label': 1}", "\u0000", "NaN", "{}{}", "\ufeff\ufeff{}"]) {
          const answer = yield* post(site, body)
          expect([body, answer.status]).toEqual([body, 400])
          expect(answer.json.detail).toMatch(/^The body is not JSON: /)
          expect(answer.json.errors).toMatchObject([{ in: "body", field: "" }])
        }
      })
    )
  )

  it.live("bytes that are not UTF-8 are 400, and do not arrive as other text than was sent", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const label = (...bytes: ReadonlyArray<number>) =>
          site.request("/tasks/wait?id=w", {
            method: "POST",
            body: Buffer.concat([Buffer.from('{"label":"'), Buffer.from(bytes), Buffer.from('"}')]),
            headers: json
          })
        for (const bytes of [
          [0xff],
          [0xc3],
          [0xc0, 0x80],
          [0xed, 0xa0, 0x80],
          [0xf4, 0x90, 0x80, 0x80],
          [0xe2, 0x82]
        ]) {
          const answer = yield* label(...bytes)
          expect([bytes, answer.status]).toEqual([bytes, 400])
          expect(answer.json.errors).toEqual([{ in: "body", field: "", message: "The body is not valid UTF-8" }])
        }
        expect(yield* site.tasks.list).toEqual([])
        expect((yield* label(0xf0, 0x9f, 0x9a, 0x80)).status).toBe(202)
        expect((yield* site.get("/tasks/w")).json.payload).toEqual({ label: "🚀" })
        expect((yield* post(site, '\ufeff{"label":"x"}')).status).toBe(202)
      })
    )
  )

  it.live("JSON of the wrong kind is 400 about the whole body", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const body of ["null", "7", '"x"', "[1]", "true"]) {
          const answer = yield* post(site, body)
          expect([body, answer.status]).toEqual([body, 400])
          expect(answer.json.errors[0].field).toBe("")
        }
      })
    )
  )

  it.live("a body is taken only as JSON, else 415, so that no foreign web page can send one", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        for (const type of [
          "text/plain",
          "application/x-www-form-urlencoded",
          "multipart/form-data",
          "application/jsonp"
        ]) {
          const answer = yield* post(site, "{}", { "content-type": type })
          expect([type, answer.status]).toEqual([type, 415])
          expect(answer.json.detail).toContain("content-type: application/json")
        }
        const untyped = yield* Effect.promise(() =>
          fetch(`${site.url}/tasks/wait`, { method: "POST", body: new Blob(["{}"]) })
        )
        expect(untyped.status).toBe(415)
        for (const type of ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]) {
          expect([type, (yield* post(site, "{}", { "content-type": type })).status]).toEqual([type, 202])
        }
      })
    )
  )

  it.live("a body over the limit is 413, announced or in chunks, and the server goes on", () =>
    serving({ tasks: [wait], bodyLimit: ByteSize.bytes(200) }, (site) =>
      Effect.gen(function* () {
        const fits = JSON.stringify({ label: "x".repeat(200 - '{"label":""}'.length) })
        expect((yield* post(site, fits)).status).toBe(202)
        for (const size of [190, 100_000, 5_000_000]) {
          const answer = yield* post(site, JSON.stringify({ label: "x".repeat(size) }))
          expect([size, answer.status]).toEqual([size, 413])
          expect(answer.json).toMatchObject({ type: "urn:rescind:problem:body-too-large", status: 413 })
          expect(answer.json.detail).toBe("The body must not be larger than 200 bytes")
        }
        const chunks =
          "POST /tasks/wait HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        const chunk = `64\r\n${"x".repeat(100)}\r\n`
        const refused = yield* raw(site, chunks + chunk.repeat(3) + "0\r\n\r\n")
        expect(refused).toMatch(/^HTTP\/1.1 413 /)
        // The rest of such a body is not read.
        expect(refused).toMatch(/^connection: close\r$/im)
        expect((yield* post(site, "{}")).status).toBe(202)
      })
    )
  )

  it.live("the limit is 64 KiB unless said otherwise", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        expect((yield* post(site, label(65_536))).status).toBe(202)
        expect((yield* post(site, label(65_537))).status).toBe(413)
      })
    )
  )

  it.live("a body nested without end is 400, also where the schema would follow it down", () =>
    serving({ tasks: [Any.of(() => Effect.void), wait] }, (site) =>
      Effect.gen(function* () {
        const any = (body: string) => site.request("/tasks/any", { method: "POST", body, headers: json })
        expect((yield* any(nested(64))).status).toBe(202)
        expect((yield* any(`[${"[],{},".repeat(100)}0]`)).status).toBe(202)
        expect((yield* any(nested(65))).json.detail).toBe("The body is nested more than 64 deep")
        expect((yield* any(nested(30_000))).status).toBe(400)
        expect((yield* any(JSON.stringify({ text: `"${"[{".repeat(100)}` }))).status).toBe(202)
        const detail = yield* site.request("/tasks/x/cancel", {
          method: "POST",
          body: `{"reason":{"detail":${nested(20_000)}}}`,
          headers: json
        })
        expect(detail.status).toBe(400)
      })
    )
  )

  it.live("rubbish on the wire is refused, and the server goes on", () =>
    serving({ tasks: [wait] }, (site) =>
      Effect.gen(function* () {
        const head = "POST /tasks/wait HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        expect(yield* raw(site, "\u0000\u0001rubbish\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /)
        expect(yield* raw(site, `${head}content-length: 2\r\n\r\n\u00ff\u00fe`)).toMatch(/^HTTP\/1.1 400 /)
        expect(yield* raw(site, `GET /tasks/%E0%A4%A HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)).toMatch(
          /^HTTP\/1.1 4/
        )
        expect(yield* raw(site, `GET /tasks?state=%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)).toMatch(
          /^HTTP\/1.1 4/
        )
        expect(
          yield* raw(site, `GET //tasks/../../etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
        ).toMatch(/^HTTP\/1.1 4/)
        // Promises ten bytes, sends one and leaves.
        yield* raw(site, `${head}content-length: 10\r\n\r\n{`, true)
        expect((yield* post(site, "{}")).status).toBe(202)
        expect(site.log.filter((line) => line.includes("level=ERROR"))).toEqual([])
      })
    )
  )
})

const Any = TaskDefinition.make("any", { payload: Schema.Json, success: Schema.Void })

/** Sends bytes and answers what comes back before the server closes, or at once. */
const raw = (site: Site, bytes: string, leave = false): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    let received = ""
    const socket = connect(Number(new URL(site.url).port), "127.0.0.1", () => {
      socket.write(Buffer.from(bytes, "latin1"), () => {
        if (leave) socket.destroy()
      })
    })
    socket.on("data", (data) => {
      received += data.toString()
      if (received.includes("\r\n\r\n")) socket.destroy()
    })
    socket.on("error", () => {})
    socket.on("close", () => resume(Effect.succeed(received)))
    return Effect.sync(() => socket.destroy())
  })
