/** What one task has published so far: each artifact once, as it was published last, in the order of the first time. */
import type * as A2A from "@a2a-js/sdk"
import { appendPiece } from "./appendPiece.ts"

/** So many are found without an index. */
const few = 8

export class Artifacts {
  private readonly all: Array<A2A.Artifact> = []
  private byId: Map<string, A2A.Artifact> | undefined = undefined

  find(id: string): A2A.Artifact | undefined {
    return this.byId === undefined ? this.all.find(({ artifactId }) => artifactId === id) : this.byId.get(id)
  }

  /** In the place of `before`, which has the same id, or as its next piece. */
  put(artifact: A2A.Artifact, before: A2A.Artifact | undefined, append: boolean): void {
    const kept = { ...artifact, parts: artifact.parts.slice() }
    if (before === undefined) this.add(kept)
    else if (append) appendPiece(before, artifact)
    else Object.assign(before, kept)
  }

  /** They do not change any more. */
  copies(): Array<A2A.Artifact> {
    return this.all.map((artifact) => ({ ...artifact, parts: artifact.parts.slice() }))
  }

  private add(artifact: A2A.Artifact): void {
    this.all.push(artifact)
    if (this.byId !== undefined) this.byId.set(artifact.artifactId, artifact)
    else if (this.all.length > few) this.byId = new Map(this.all.map((it) => [it.artifactId, it]))
  }
}
