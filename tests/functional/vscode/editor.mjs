// SPDX-License-Identifier: MIT
// One editor: a swarmd process and a connection to it by vscode-jsonrpc, which somebody else wrote.
// Every message of both directions is noted in the file $TRACE, a line each, for
// test_vscode_client.py to hold against the schema.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(`${process.env.MODULES}/`)
export const rpc = require('vscode-jsonrpc/node')

const DEADLINE_MS = 60000
let editors = 0

// An answer that never comes.
setTimeout(() => { throw new Error('it takes too long') }, 4 * DEADLINE_MS).unref()

// A reader and a writer that note what goes through them.
function traced(reader, writer) {
  const number = editors++
  const note = (from, message) =>
    appendFileSync(process.env.TRACE, JSON.stringify({ editor: number, from, message }) + '\n')
  const listen = reader.listen.bind(reader)
  const write = writer.write.bind(writer)
  reader.listen = (take) => listen((message) => {
    note('server', message)
    take(message)
  })
  writer.write = (message) => {
    note('client', message)
    return write(message)
  }
  return rpc.createMessageConnection(reader, writer)
}

export class Editor {
  constructor() {
    this.events = []
    this.notes = [] // other notifications of the server: [method, params]
    this.waiting = new Set()
    this.process = spawn(process.env.SWARMD, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.exit = new Promise((resolve) => this.process.once('exit', (code) => resolve(code)))
    this.connection = traced(new rpc.StreamMessageReader(this.process.stdout),
      new rpc.StreamMessageWriter(this.process.stdin))
    this.connection.onNotification('swarm/events', ({ events }) => {
      this.events.push(...events)
      this.look()
    })
    for (const method of ['window/showMessage', 'window/logMessage']) {
      this.connection.onNotification(method, (params) => this.note(method, params))
    }
    this.connection.onError((error) => { throw error[0] })
    this.connection.listen()
  }

  note(method, params) {
    this.notes.push([method, params])
    this.look()
  }

  look() {
    for (const waiter of this.waiting) waiter()
  }

  // The first truthy value of find(), which is called again whenever something came.
  wait(what, find) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.waiting.delete(look)
        reject(new Error(`${what} did not come; last events: ${JSON.stringify(this.events.slice(-6))}`))
      }, DEADLINE_MS)
      const look = () => {
        const found = find()
        if (!found) return
        clearTimeout(late)
        this.waiting.delete(look)
        resolve(found)
      }
      this.waiting.add(look)
      look()
    })
  }

  // From the event with index `start` on.
  event(what, test, start = 0) {
    return this.wait(what, () => this.events.slice(start).find(test))
  }

  async state(id, state, start = 0) {
    const event = await this.event(`${id} ${state}`, (e) => e.type === 'agent' && e.agentId === id &&
      e.agent.state === state, start)
    return event.agent
  }

  turnEnd(id, turn) {
    return this.event(`end of turn ${turn}`, (e) => e.type === 'turn' && e.agentId === id &&
      e.phase === 'ended' && e.turn === turn)
  }

  // What is not given must not be passed on: the library would make a list of the arguments.
  request(...args) {
    return this.connection.sendRequest(...args.filter((arg) => arg !== undefined))
  }

  notify(...args) {
    return this.connection.sendNotification(...args)
  }

  async refused(method, params, code, kind) {
    await assert.rejects(this.request(method, params), (error) => {
      assert.equal(error.code, code, error.message)
      assert.equal(error.data?.kind, kind, error.message)
      return true
    })
  }

  async initialize(params) {
    const result = await this.request('initialize', {
      processId: process.pid,
      clientInfo: { name: 'vscode-jsonrpc' },
      workspaceFolders: [{ uri: process.env.REPOSITORY, name: 'repository' }],
      ...params,
    })
    await this.notify('initialized', {})
    return result
  }

  async end() {
    assert.equal(await this.request('shutdown'), null)
    await this.notify('exit')
    assert.equal(await this.exit, 0)
    this.connection.dispose()
  }
}
