// The npm package `xen-api`, Xen Orchestra's client, on a simulated pool: JSON-RPC over verified TLS.
// test_xen_api.py starts the pool and this, and tells in the environment where both are.

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import assert from 'node:assert/strict'

const { createClient } = await import(pathToFileURL(process.env.HVD_PEER_CLIENT))
const ready = JSON.parse(process.env.HVD_PEER_POOL)
const MIB = 1 << 20
const NULL = 'OpaqueRef:NULL'

// ---- the client ----

function makeClient(options) {
  return createClient({
    url: ready.url,
    auth: { user: 'root', password: readFileSync(ready.password_file, 'ascii') },
    transport: 'json-rpc',
    debounce: 0, // milliseconds between two batches of events
    ...options,
  })
}

async function withClient(options, use) {
  const xapi = makeClient(options)

  await xapi.connect()
  await xapi.objectsFetched
  try {
    await use(xapi)
  } finally {
    await xapi.disconnect()
  }
}

const CHANGES = ['add', 'update', 'remove']

// Until what the client knows through events is so.
function until(xapi, isSo) {
  return new Promise(resolve => {
    const look = () => {
      if (isSo()) {
        CHANGES.forEach(name => xapi.objects.removeListener(name, look))
        resolve()
      }
    }

    CHANGES.forEach(name => xapi.objects.on(name, look))
    look()
  })
}

const known = (xapi, ref) => xapi.getObjectByRef(ref, undefined)
const untilIs = (xapi, ref, member, value) => until(xapi, () => known(xapi, ref)?.[member] === value)
const untilGone = (xapi, ref) => until(xapi, () => known(xapi, ref) === undefined)

// What the events say of an object's member, in order, without repetitions.
function follow(xapi, ref, member) {
  const seen = []
  const note = () => {
    const value = known(xapi, ref)?.[member] ?? 'gone'
    if (seen.at(-1) !== value) {
      seen.push(value)
    }
  }

  CHANGES.forEach(name => xapi.objects.on(name, note))
  note()
  return seen
}

async function makeDisk(xapi, more) {
  return xapi.call('VDI.create', {
    name_label: 'disk', SR: xapi.pool.default_SR, virtual_size: 8 * MIB, type: 'user', sharable: false,
    read_only: false, other_config: {}, ...more,
  })
}

async function makeMachine(xapi, name, more) {
  const vm = await xapi.call('VM.create', {
    name_label: name, name_description: '', user_version: 0, is_a_template: false, affinity: NULL,
    memory_static_max: 256 * MIB, memory_static_min: 0, memory_dynamic_max: 256 * MIB,
    memory_dynamic_min: 256 * MIB, VCPUs_params: {}, VCPUs_max: 2, VCPUs_at_startup: 2,
    actions_after_shutdown: 'destroy', actions_after_reboot: 'restart', actions_after_crash: 'destroy',
    PV_bootloader: '', PV_kernel: '', PV_ramdisk: '', PV_args: '', PV_bootloader_args: '',
    PV_legacy_args: '', HVM_boot_policy: 'BIOS order', HVM_boot_params: { order: 'dc' },
    platform: { acpi: 'true' }, PCI_bus: '', recommendations: '', other_config: {}, xenstore_data: {},
    ...more,
  })
  const vdi = await makeDisk(xapi)
  const vbd = await xapi.call('VBD.create', {
    VM: vm, VDI: vdi, userdevice: '0', bootable: true, mode: 'RW', type: 'Disk', unpluggable: true,
    empty: false, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {},
  })
  return { vm, vdi, vbd }
}

// ---- tests ----

// Created, started, stopped and destroyed; events tell each step.
function lifeOfAMachine(transport) {
  return withClient({ transport }, async xapi => {
    const { vm, vdi, vbd } = await makeMachine(xapi, `by ${transport}`)
    const created = await xapi.barrier(vm)
    assert.equal(created.name_label, `by ${transport}`)
    assert.equal(created.$VBDs[0].$VDI.$ref, vdi)
    assert.equal(Number(created.memory_static_max), 256 * MIB)

    const states = follow(xapi, vm, 'power_state')
    await xapi.callAsync('VM.start', vm, false, false)
    await untilIs(xapi, vm, 'power_state', 'Running')
    await untilIs(xapi, vbd, 'currently_attached', true)
    assert.equal(known(xapi, vm).$resident_on.$type, 'host')

    await xapi.call('VM.hard_shutdown', vm)
    await untilIs(xapi, vm, 'power_state', 'Halted')
    await xapi.call('VM.destroy', vm)
    await xapi.call('VDI.destroy', vdi)
    await Promise.all([vm, vbd, vdi].map(ref => untilGone(xapi, ref)))
    assert.deepEqual(states, ['Halted', 'Running', 'Halted', 'gone'])
    assert.deepEqual(await failureOf(xapi.call('VM.get_record', vm)), ['HANDLE_INVALID', 'VM', vm])
  })
}

// The way of Xen Orchestra: a template is cloned, changed, provisioned.
function cloneOfATemplate() {
  return withClient({}, async xapi => {
    const { vm: template } = await makeMachine(xapi, 'template', { is_a_template: true })
    const vm = await xapi.callAsync('VM.clone', template, 'cloned')
    const record = await xapi.barrier(vm)
    await record.set_name_description('of a template')
    await record.update_other_config('key', 'first')
    await record.update_other_config('key', 'second')
    await record.add_tags('tag')
    await xapi.callAsync('VM.provision', vm)
    await record.set_is_a_template(false)

    const now = await xapi.barrier(vm)
    assert.deepEqual([now.name_description, now.other_config.key, now.tags, now.is_a_template, now.$VBDs.length],
      ['of a template', 'second', ['tag'], false, 1])
    await now.$callAsync('start', true, false)
    await untilIs(xapi, vm, 'power_state', 'Paused')
  })
}

// What XenAPI's failure is to the client: [code, ...parameters].
async function failureOf(promise) {
  try {
    await promise
  } catch (error) {
    if (error.code === undefined) {
      throw error
    }
    return [error.code, ...error.params]
  }
  assert.fail('a failure was expected')
}

async function failures() {
  const stranger = makeClient({ auth: { user: 'root', password: 'wrong' } })
  assert.deepEqual(await failureOf(stranger.connect()),
    ['SESSION_AUTHENTICATION_FAILED', 'root', 'Authentication failure'])
  assert.equal(stranger.status, 'disconnected')

  await withClient({}, async xapi => {
    const { vm } = await makeMachine(xapi, 'halted')
    const refusal = ['VM_BAD_POWER_STATE', vm, 'paused, suspended, running', 'halted']
    assert.deepEqual(await failureOf(xapi.call('VM.hard_shutdown', vm)), refusal)
    assert.deepEqual(await failureOf(xapi.callAsync('VM.hard_shutdown', vm)), refusal)
    assert.deepEqual(await failureOf(xapi.call('VM.nonsense', vm)), ['MESSAGE_METHOD_UNKNOWN', 'VM.nonsense'])
  })
}

// ---- bytes ----

const bytesOf = async response => Buffer.from(await response.body.arrayBuffer())

function transfer() {
  return withClient({}, async xapi => {
    const content = randomBytes(4 * MIB)
    const vdi = await makeDisk(xapi, { virtual_size: content.length })
    const query = { vdi, format: 'raw' }
    await xapi.putResource(content, '/import_raw_vdi/', { query })
    const back = await xapi.getResource('/export_raw_vdi/', { query })
    assert.ok(content.equals(await bytesOf(back)), 'other bytes')
    await back.task
  })
}

// ---- TAP ----

const tests = {
  'life-of-a-machine': () => lifeOfAMachine('json-rpc'),
  'life-of-a-machine-xml': () => lifeOfAMachine('xml-rpc'),
  'clone-of-a-template': cloneOfATemplate,
  failures,
  transfer,
}

console.log(`TAP version 13\n1..${Object.keys(tests).length}`)
for (const [index, [name, test]] of Object.entries(tests).entries()) {
  try {
    await test()
    console.log(`ok ${index + 1} /peer/xen-api/${name}`)
  } catch (error) {
    process.exitCode = 1
    console.log(String(error?.stack ?? error).replace(/^/gm, '# '))
    console.log(`not ok ${index + 1} /peer/xen-api/${name}`)
  }
}
