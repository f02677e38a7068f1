" SPDX-License-Identifier: MIT
" The server process and the messages to and from it.
"
"   swarm#rpc#request(method, params, Fn)   Fn(error, result), exactly once; error is {} when there
"                                           is none, else it has `message`, perhaps `data`, and
"                                           `ended` when the end of the server was the cause (the
"                                           person has been told that by then)
"   swarm#rpc#notify(method, params)
"   swarm#rpc#scope()    the name of this editor session, which the agents that it starts carry
"   swarm#rpc#info()     {command, server, ready} of the server that runs, {} when none does
"   swarm#rpc#stop()     ends it in good order; nothing is waited for
"
" There is one server. The first request starts it; those made before it has answered `initialize`
" wait in line. When it ends unasked that is said once, all pending requests fail, and the next
" request starts another. Members that are null on the wire are absent here, in both editors.

let s:ANSWER_LIMIT = 10000 " ms without an answer to `initialize`, after which that is said
let s:VERSION = 1 " of the protocol
" Without these nothing works that the plugin is for.
let s:METHODS = ['swarm/spawn', 'swarm/list', 'swarm/transcript', 'swarm/subscribe', 'swarm/diff', 'swarm/merge',
      \ 'swarm/approvals', 'swarm/checkpoints']

" {handle, command, server, ready, answered, ending, waiting: [entry], pending: {key: Fn}, next}
let s:session = {}
let s:scope = printf('%s-%d-%x', has('nvim') ? 'nvim' : 'vim', getpid(), localtime())

function! swarm#rpc#scope() abort
  return s:scope
endfunction

function! swarm#rpc#info() abort
  if empty(s:session)
    return {}
  endif
  return {'command': s:session.command, 'server': s:session.server, 'ready': s:session.ready}
endfunction

function! swarm#rpc#request(method, params, Fn) abort
  if empty(s:session) && !s:start(a:Fn)
    return
  endif
  let entry = {'method': a:method, 'params': a:params, 'done': a:Fn}
  if s:session.ready
    call s:send(s:session, entry)
  else
    call add(s:session.waiting, entry)
  endif
endfunction

function! s:ignore(error, result) abort
  if !empty(a:error) && !get(a:error, 'ended')
    call swarm#ui#error(a:error.message)
  endif
endfunction

function! swarm#rpc#notify(method, params) abort
  if empty(s:session) && !s:start(function('s:ignore'))
    return
  endif
  if s:session.ready
    call swarm#editor#call('notify', s:session.handle, a:method, a:params)
  else
    call add(s:session.waiting, {'method': a:method, 'params': a:params})
  endif
endfunction

" The callback is kept here, too: neither editor calls those that have no answer when the server ends.
function! s:send(session, entry) abort
  if !has_key(a:entry, 'done')
    call swarm#editor#call('notify', a:session.handle, a:entry.method, a:entry.params)
    return
  endif
  let key = a:session.next
  let a:session.next += 1
  let a:session.pending[key] = a:entry.done
  call swarm#editor#call('request', a:session.handle, a:entry.method, a:entry.params,
        \ function('s:answered', [a:session, key]))
endfunction

function! s:answered(session, key, error, result) abort
  if has_key(a:session.pending, a:key)
    let Done = remove(a:session.pending, a:key)
    call Done(a:error, a:result)
  endif
endfunction

function! s:start(Fn) abort
  let found = swarm#config#server()
  let problem = get(found, 'problem', '')
  if empty(problem)
    let session = {'command': found.command, 'server': {}, 'ready': v:false, 'answered': v:false, 'ending': v:false,
          \ 'waiting': [], 'pending': {}, 'next': 1, 'troubled': v:false}
    let handle = swarm#editor#call('start', found.command, {
          \ 'notification': function('s:notified'),
          \ 'exit': function('s:ended', [session]),
          \ 'trouble': function('s:trouble', [session]),
          \ })
    if type(handle) == v:t_string
      let problem = printf('%s could not be started: %s', found.command[0], handle)
    endif
  endif
  if !empty(problem)
    call swarm#ui#error(problem)
    call a:Fn({'ended': v:true, 'message': problem}, v:null)
    return v:false
  endif
  let session.handle = handle
  let s:session = session
  call s:send(session, {'method': 'initialize', 'params': s:initialize_params(),
        \ 'done': function('s:initialized', [session])})
  call timer_start(s:ANSWER_LIMIT, function('s:look_for_answer', [session]))
  return v:true
endfunction

function! s:initialize_params() abort
  let uri = swarm#util#uri(getcwd())
  return {
        \ 'processId': getpid(),
        \ 'clientInfo': swarm#editor#call('name'),
        \ 'rootUri': uri,
        \ 'workspaceFolders': [{'uri': uri, 'name': fnamemodify(getcwd(), ':t')}],
        \ 'capabilities': {'experimental': {'swarm': v:true}},
        \ 'initializationOptions': {'scope': s:scope, 'subscribe': 'own'},
        \ }
endfunction

function! s:look_for_answer(session, timer) abort
  if s:session is a:session && !a:session.answered
    call swarm#ui#warning(a:session.command[0] .. ' has started but does not answer; waiting for it')
  endif
endfunction

" Why a server that answered `initialize` cannot be used, or ''.
function! s:unfit(session, result) abort
  let program = join(a:session.command)
  let swarm = get(get(get(a:result, 'capabilities', {}), 'experimental', {}), 'swarm', {})
  if empty(swarm)
    return program .. ' is not swarmd: set g:swarm_server to the path of swarmd'
  endif
  let missing = filter(copy(s:METHODS), 'index(get(swarm, "methods", []), v:val) < 0')
  if get(swarm, 'version') >= s:VERSION && empty(missing)
    return ''
  endif
  let lacks = empty(missing) ? 'protocol version ' .. s:VERSION : join(missing, ', ')
  return printf('swarmd %s is too old for this plugin: install a newer one, or set g:swarm_server to one (%s lacks %s)',
        \ get(get(a:result, 'serverInfo', {}), 'version', '?'), program, lacks)
endfunction

function! s:initialized(session, error, result) abort
  let a:session.answered = v:true
  if !empty(a:error)
    let problem = get(a:error, 'ended') ? '' : 'the server refused to start: ' .. a:error.message
  else
    let a:session.server = get(a:result, 'serverInfo', {})
    let problem = s:unfit(a:session, a:result)
  endif
  if !empty(a:error) || !empty(problem)
    call s:give_up(a:session, problem, get(a:error, 'message', problem))
    return
  endif
  call swarm#editor#call('notify', a:session.handle, 'initialized', {})
  let a:session.ready = v:true
  for entry in remove(a:session, 'waiting')
    call s:send(a:session, entry)
  endfor
  call swarm#event#emit('ready', {})
  call swarm#event#user('Server', {'state': 'ready'})
endfunction

function! s:give_up(session, problem, message) abort
  if !empty(a:problem)
    call swarm#ui#error(a:problem)
    let a:session.ending = v:true
    call swarm#editor#call('notify', a:session.handle, 'exit', {})
  endif
  if s:session is a:session
    let s:session = {}
  endif
  for entry in remove(a:session, 'waiting')
    if has_key(entry, 'done')
      call entry.done({'ended': v:true, 'message': a:message}, v:null)
    endif
  endfor
endfunction

let s:levels = ['info', 'error', 'warning', 'info', 'info'] " MessageType of LSP, from 1

function! s:notified(method, params) abort
  if a:method ==# 'swarm/events'
    call swarm#event#emit('events', get(a:params, 'events', []))
  elseif a:method ==# 'window/showMessage'
    call swarm#ui#message(get(a:params, 'message', ''), get(s:levels, get(a:params, 'type'), 'info'))
  endif
endfunction

function! s:trouble(session, text) abort
  if !a:session.troubled && !a:session.ending
    let a:session.troubled = v:true
    call swarm#ui#error('trouble with the server: ' .. a:text)
  endif
endfunction

function! s:ended(session, how, last) abort
  if s:session is a:session
    let s:session = {}
  endif
  if a:session.ending
    return
  endif
  let reason = 'the server ' .. a:how .. (empty(a:last) ? '' : ': ' .. a:last)
  call swarm#ui#error(reason .. '. The next command starts it again.')
  let pending = a:session.pending
  let a:session.pending = {}
  for key in sort(keys(pending), 'N')
    call pending[key]({'ended': v:true, 'message': reason}, v:null)
  endfor
  call swarm#event#emit('exit', {'reason': reason})
  call swarm#event#user('Server', {'state': 'ended', 'reason': reason})
endfunction

" The editor may be on its way out: the two messages are in the pipe when this returns.
function! swarm#rpc#stop() abort
  if empty(s:session)
    return
  endif
  let session = s:session
  let s:session = {}
  let session.ending = v:true
  if session.ready
    call swarm#editor#call('request', session.handle, 'shutdown', v:null, {error, result -> 0})
  endif
  call swarm#editor#call('notify', session.handle, 'exit', v:null)
endfunction

augroup swarm_rpc
  autocmd!
  autocmd VimLeavePre * call swarm#rpc#stop()
augroup END
