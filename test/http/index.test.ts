import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import * as http from "rescind/http"

const folder = new URL("../../src/http/", import.meta.url)

describe("rescind/http", () => {
  it("needs no platform package, and of Node only types", () => {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
      (file) => file.endsWith(".ts") && !file.startsWith("a2a/")
    )
    expect(files.length).toBeGreaterThan(10)
    for (const file of files) {
      const text = readFileSync(new URL(file, folder), "utf8")
      const imports = text.match(/^(?:import [^"]*|export \* as \w+ from )"[^"]+"/gm) ?? []
      const foreign = imports.filter(
        (line) => !/"(?:effect\/|\.(?!.*\/a2a\/))/.test(line) && !/^import type .*"node:/.test(line)
      )
      expect([file, foreign]).toEqual([file, []])
    }
  })

  it("exports each concept under its name", () => {
    expect(Object.keys(http).toSorted()).toEqual([
      "BearerTokens",
      "BulkCancel",
      "CancelCall",
      "CancelMiddleware",
      "Cors",
      "Drain",
      "EventLog",
      "EventStream",
      "Health",
      "JsonBody",
      "OpenStreams",
      "Problem",
      "PublicOutcome",
      "RemoteEvent",
      "RequestCancelled",
      "RequestDeadline",
      "RunningHandlers",
      "ServerClose",
      "ServerMain",
      "ServerMetrics",
      "ServerStart",
      "StreamMetrics",
      "TaskAccess",
      "TaskApi",
      "TaskClient",
      "TaskClientError",
      "TaskDefinition",
      "TaskLabel",
      "TaskServer",
      "TaskView",
      "Telemetry",
      "WireEvent"
    ])
  })
})
