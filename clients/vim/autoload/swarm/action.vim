" SPDX-License-Identifier: MIT
" What a person does to agents, by whatever key or command: asks what has to be asked, makes the
" requests, and shows a refusal in the server's words. The arguments are those of command.vim.

function! s:name(id) abort
  let agent = swarm#state#get(a:id)
  return empty(agent) ? a:id : swarm#state#name(agent)
endfunction

function! s:names(ids) abort
  return len(a:ids) == 1 ? s:name(a:ids[0]) : len(a:ids) .. ' agents'
endfunction

" A request about one agent, whose answer may be its new snapshot.
function! s:request(method, id, what) abort
  call swarm#rpc#request(a:method, {'agentId': a:id}, function('s:took', [a:id, a:what]))
endfunction

function! s:took(id, what, error, result) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, a:what .. ' ' .. s:name(a:id))
  elseif type(a:result) == v:t_dict && has_key(a:result, 'agent')
    call swarm#state#put(a:result.agent)
  endif
endfunction

function! s:each(method, ids, what) abort
  for id in a:ids
    call s:request(a:method, id, a:what)
  endfor
endfunction

function! swarm#action#cancel(ids, words, command) abort
  call s:each('swarm/cancel', a:ids, 'cancelling')
endfunction

function! swarm#action#resume(ids, words, command) abort
  call s:each('swarm/resume', a:ids, 'resuming')
endfunction

" Without ids: every agent.
function! s:pause(method, ids, what) abort
  for params in empty(a:ids) ? [{}] : map(copy(a:ids), '{"agentId": v:val}')
    call swarm#rpc#request(a:method, params, function('s:paused', [a:what, get(params, 'agentId', '')]))
  endfor
endfunction

function! s:paused(what, id, error, result) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, a:what .. ' ' .. (empty(a:id) ? 'all agents' : s:name(a:id)))
    return
  endif
  for agent in get(a:result, 'agents', [])
    call swarm#state#put(agent)
  endfor
endfunction

function! swarm#action#pause(ids, words, command) abort
  call s:pause('swarm/pause', a:ids, 'pausing')
endfunction

function! swarm#action#continue(ids, words, command) abort
  call s:pause('swarm/continue', a:ids, 'going on with')
endfunction

" --- What ends something is asked about first. ---

function! swarm#action#kill(ids, words, command) abort
  let ids = filter(copy(a:ids), 'index(["done", "failed", "killed"], get(swarm#state#get(v:val), "state", "")) < 0')
  if empty(ids)
    call swarm#ui#info(s:names(a:ids) .. (len(a:ids) == 1 ? ' has' : ' have') .. ' ended: there is nothing to kill')
    return
  endif
  call swarm#ui#confirm(printf('Kill %s and all that %s started?', s:names(ids), len(ids) == 1 ? 'it' : 'they'),
        \ len(ids) == 1 ? 'Kill it' : 'Kill them', {-> s:each('swarm/kill', ids, 'killing')})
endfunction

function! swarm#action#remove(ids, words, command) abort
  let one = len(a:ids) == 1
  call swarm#ui#confirm(printf('Remove %s and %s?', s:names(a:ids), one ? 'its worktree' : 'their worktrees'),
        \ one ? 'Remove it' : 'Remove them', {-> s:remove_all(a:ids)})
endfunction

function! s:remove_all(ids) abort
  for id in a:ids
    call s:remove(id, v:false)
  endfor
endfunction

function! s:remove(id, force) abort
  call swarm#rpc#request('swarm/remove', extend({'agentId': a:id}, a:force ? {'force': v:true} : {}),
        \ function('s:removed', [a:id, a:force]))
endfunction

" What a person can overrule: there is work that nothing else has, or the agent is at something.
function! s:removed(id, force, error, result) abort
  if empty(a:error)
    call swarm#ui#info('removed ' .. a:id)
  elseif a:force || index(['dirty', 'wrongState'], get(get(a:error, 'data', {}), 'kind', '')) < 0
    call swarm#ui#report(a:error, 'removing ' .. s:name(a:id))
  else
    call swarm#ui#confirm(a:error.message .. '. Remove it all the same?', 'Remove it and its work',
          \ {-> s:remove(a:id, v:true)})
  endif
endfunction

" --- Messages. ---

function! swarm#action#send(ids, words, command) abort
  if !empty(a:words)
    call s:send(a:ids, a:words)
  else
    call swarm#ui#input({'prompt': 'To ' .. s:names(a:ids) .. ': '}, function('s:send', [a:ids]))
  endif
endfunction

function! s:send(ids, text) abort
  if type(a:text) == v:t_string && a:text =~# '\S'
    for id in a:ids
      call swarm#rpc#request('swarm/send', {'agentId': id, 'text': trim(a:text)}, function('s:sent', [id]))
    endfor
  endif
endfunction

function! s:sent(id, error, result) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, 'not sent to ' .. s:name(a:id))
  elseif get(a:result, 'delivery', '') ==# 'queued'
    call swarm#ui#info(printf('queued for %s (place %d)', s:name(a:id), get(a:result, 'position', 1)))
  endif
endfunction

" --- Back to an earlier turn. ---

function! swarm#action#rewind(id, words, command) abort
  call swarm#rpc#request('swarm/checkpoints', {'agentId': a:id}, function('s:took_checkpoints', [a:id]))
endfunction

function! s:checkpoint_label(checkpoint) abort
  if a:checkpoint.checkpoint ==# '0'
    return 'before the first turn'
  endif
  let changes = printf('%s +%d -%d', swarm#util#plural(get(a:checkpoint, 'files'), 'file'), get(a:checkpoint, 'added'),
        \ get(a:checkpoint, 'removed'))
  let what = a:checkpoint.checkpoint =~# '\.' ? 'kept before a ' .. get(a:checkpoint, 'reason', 'rewind')
        \ : 'after turn ' .. a:checkpoint.turn
  return printf('%s (%s)%s', what, changes, get(a:checkpoint, 'current') ? ', where it is now' : '')
endfunction

function! s:took_checkpoints(id, error, result) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, 'the checkpoints of ' .. s:name(a:id))
    return
  endif
  let checkpoints = reverse(copy(get(a:result, 'checkpoints', [])))
  if empty(checkpoints)
    call swarm#ui#info(s:name(a:id) .. ' has no checkpoints: no turn of it has changed a file')
    return
  endif
  for checkpoint in checkpoints
    let checkpoint.current = checkpoint.checkpoint ==# get(a:result, 'current', '')
  endfor
  call swarm#ui#select(checkpoints + [{'checkpoint': '0'}],
        \ {'prompt': 'Put the files of ' .. s:name(a:id) .. ' back to:', 'format': function('s:checkpoint_label')},
        \ function('s:chose_checkpoint', [a:id]))
endfunction

function! s:chose_checkpoint(id, checkpoint, index) abort
  if a:index >= 0
    call swarm#ui#select(['Only the files', 'The files, and what the model remembers'],
          \ {'prompt': 'Rewind what?'}, function('s:chose_memory', [a:id, a:checkpoint.checkpoint]))
  endif
endfunction

function! s:chose_memory(id, checkpoint, choice, index) abort
  if a:index >= 0
    call swarm#rpc#request('swarm/rewind', {'agentId': a:id, 'turn': a:checkpoint,
          \ 'transcript': a:index == 1 ? v:true : v:false}, function('s:rewound', [a:id]))
  endif
endfunction

function! s:rewound(id, error, result) abort
  call s:took(a:id, 'rewinding', a:error, a:result)
  if empty(a:error)
    call swarm#ui#info(printf('%s is rewound; checkpoint %s has what it was', s:name(a:id), get(a:result, 'kept', '?')))
  endif
endfunction

" --- New agents. ---

" task: {task, context?: [...], model?, role?, base?, mode?, isolation?}. Done(agent) when it is
" durable; Failed() when it is not to be, after that was shown.
function! swarm#action#spawn(task, Done, Failed) abort
  let params = extend({'cwd': getcwd(), 'scope': swarm#rpc#scope()}, a:task)
  for option in ['model', 'role', 'mode', 'isolation', 'base']
    if !has_key(params, option) && swarm#config#get(option) isnot v:null
      let params[option] = swarm#config#get(option)
    endif
  endfor
  call swarm#rpc#request('swarm/spawn', params, function('s:spawned', [a:Done, a:Failed]))
endfunction

function! s:spawned(Done, Failed, error, result) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, 'no agent was started')
    call a:Failed()
    return
  endif
  call swarm#state#put(a:result.agent)
  call swarm#ui#info('started ' .. a:result.agent.id)
  call a:Done(a:result.agent)
endfunction

" Ends the server of this editor in good order; agents go on when another editor has them, too.
function! swarm#action#stop(words, command) abort
  call swarm#rpc#stop()
  call swarm#event#emit('exit', {'reason': 'the server was stopped by :Swarm stop'})
endfunction
