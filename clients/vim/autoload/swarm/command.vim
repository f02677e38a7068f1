" SPDX-License-Identifier: MIT
" The commands :Swarm, :SwarmNew and :SwarmFix, and their completion. To add a subcommand is to add a
" row to the table; what it calls is loaded when it is used.
"
"   swarm#command#run(name, ids, words)  a subcommand, as a key of a buffer does it
"   swarm#command#current()              the agents that the current buffer or line is about: [id]
"   swarm#command#restore(name)          makes the buffer of that name, which is the current one

" name: [takes, function, completion of its words]. takes:
"   agents   the first word is an agent (the beginning of its id or name), without it the current ones
"            are meant, which may be several that are marked: Fn([id], words, command)
"   each     the same, but Fn(id, words, command) for each
"   one      the same, but it makes no sense for several
"   words    Fn(words, command)
" words: the rest as a string. command: {modifiers, bang, range: [how many numbers, first, last]}.
let s:table = {
      \ 'dashboard': ['words', 'swarm#dashboard#command', ''],
      \ 'new': ['words', 'swarm#new#command', ''],
      \ 'fix': ['words', 'swarm#fix#command', ''],
      \ 'health': ['words', 'swarm#health#command', ''],
      \ 'stop': ['words', 'swarm#action#stop', ''],
      \ 'filter': ['words', 'swarm#dashboard#choose#filter', 'swarm#dashboard#choose#filters'],
      \ 'sort': ['words', 'swarm#dashboard#choose#sort', 'swarm#dashboard#choose#sorts'],
      \ 'scope': ['words', 'swarm#dashboard#choose#scope', 'swarm#dashboard#choose#scopes'],
      \ 'open': ['each', 'swarm#transcript#command', ''],
      \ 'send': ['agents', 'swarm#action#send', ''],
      \ 'cancel': ['agents', 'swarm#action#cancel', ''],
      \ 'kill': ['agents', 'swarm#action#kill', ''],
      \ 'remove': ['agents', 'swarm#action#remove', ''],
      \ 'resume': ['agents', 'swarm#action#resume', ''],
      \ 'pause': ['agents', 'swarm#action#pause', ''],
      \ 'continue': ['agents', 'swarm#action#continue', ''],
      \ 'rewind': ['one', 'swarm#action#rewind', ''],
      \ 'approve': ['agents', 'swarm#approval#approve', ''],
      \ 'reject': ['agents', 'swarm#approval#reject', ''],
      \ 'approvals': ['words', 'swarm#approval#inbox', ''],
      \ 'diff': ['each', 'swarm#review#open', ''],
      \ 'merge': ['each', 'swarm#review#merge', 'swarm#review#merge#strategies'],
      \ }

" --- Which agents. ---

function! s:find(prefix) abort
  if !empty(swarm#state#get(a:prefix))
    return {'id': a:prefix}
  endif
  let found = swarm#state#matching(a:prefix)
  if len(found) == 1
    return {'id': found[0].id}
  elseif empty(found)
    return {'problem': 'there is no agent ' .. a:prefix}
  endif
  let ids = map(found, 'v:val.id')
  return {'problem': printf('%s could be any of %s', a:prefix, join(ids[:4], ', ') .. (len(ids) > 5 ? ', ...' : ''))}
endfunction

function! swarm#command#current() abort
  let id = matchstr(bufname(), '^swarm://\(agent\|review\)/\zs[^/]\+')
  if !empty(id)
    return [id]
  elseif &filetype ==# 'swarm'
    return swarm#dashboard#agents_here()
  endif
  return []
endfunction

function! s:none() abort
  return {'modifiers': '', 'bang': v:false, 'range': [0, 0, 0]}
endfunction

function! s:call(name, ids, words, command) abort
  let [takes, function, complete] = s:table[a:name]
  try
    if takes ==# 'words'
      call call(function, [a:words, a:command])
    elseif takes ==# 'agents'
      call call(function, [a:ids, a:words, a:command])
    elseif takes ==# 'one' && len(a:ids) > 1
      call swarm#ui#warning(printf(':Swarm %s takes one agent at a time, and %d are marked', a:name, len(a:ids)))
    else
      for id in a:ids
        call call(function, [id, a:words, a:command])
      endfor
    endif
  catch /^Vim\%((\a\+)\)\=:E117:/
    throw 'swarm: :Swarm ' .. a:name .. ' cannot be loaded: ' .. v:exception
  endtry
endfunction

function! swarm#command#run(name, ids, words) abort
  if s:table[a:name][0] !=# 'words' && empty(a:ids)
    call swarm#ui#warning('there is no agent in this line')
    return
  endif
  call s:call(a:name, a:ids, a:words, s:none())
endfunction

" --- :Swarm ---

" The list is read first when that was not done yet.
function! s:with_list(Fn) abort
  if swarm#state#loaded()
    call a:Fn({})
  else
    call swarm#state#refresh(a:Fn)
  endif
endfunction

function! s:for_agent(name, rest, command, error) abort
  if !empty(a:error)
    call swarm#ui#report(a:error, '')
    return
  endif
  let [prefix, words] = matchlist(a:rest, '^\(\S*\)\s*\(.*\)$')[1:2]
  let found = s:find(prefix)
  if has_key(found, 'id')
    call s:call(a:name, [found.id], words, a:command)
  else
    call swarm#ui#error(found.problem)
  endif
endfunction

" arguments: what stands behind the command.
function! swarm#command#swarm(arguments, command) abort
  call swarm#attention#start()
  let [name, rest] = matchlist(a:arguments, '^\s*\(\S*\)\s*\(.\{-}\)\s*$')[1:2]
  let name = empty(name) ? 'dashboard' : name
  if !has_key(s:table, name)
    call swarm#ui#error('there is no :Swarm ' .. name .. '; see :help :Swarm')
  elseif s:table[name][0] ==# 'words'
    call s:call(name, [], rest, a:command)
  elseif !empty(rest)
    call s:with_list(function('s:for_agent', [name, rest, a:command]))
  elseif a:command.bang && index(['pause', 'continue'], name) >= 0
    call s:call(name, [], '', a:command)
  elseif empty(swarm#command#current())
    call swarm#ui#warning('which agent? Give the beginning of its id')
  else
    call s:call(name, swarm#command#current(), '', a:command)
  endif
endfunction

function! swarm#command#new(words, command) abort
  call swarm#command#swarm('new ' .. a:words, a:command)
endfunction

function! swarm#command#fix(words, command) abort
  call swarm#command#swarm('fix ' .. a:words, a:command)
endfunction

" --- Completion. ---

function! s:beginning(lead, words) abort
  return filter(a:words, 'stridx(v:val, a:lead) == 0')
endfunction

function! swarm#command#complete(lead, line, position) abort
  let before = matchstr(strpart(a:line, 0, a:position), '\C\<Swarm!\?\s\+\zs.*')
  let words = split(before, '\s\+', 1)
  if len(words) <= 1
    return s:beginning(a:lead, sort(keys(s:table)))
  elseif !has_key(s:table, words[0])
    return []
  endif
  let [takes, function, complete] = s:table[words[0]]
  if takes !=# 'words' && len(words) == 2
    return s:beginning(a:lead, map(swarm#state#matching(''), 'v:val.id'))
  elseif !empty(complete)
    return s:beginning(a:lead, call(complete, []))
  endif
  return []
endfunction

" --- Buffers that `:edit` or a session asks for. ---

function! swarm#command#restore(name) abort
  call swarm#attention#start()
  let bufnr = bufnr()
  if a:name ==# 'swarm://dashboard'
    let Open = function('swarm#dashboard#command', ['', s:none()])
  elseif a:name =~# '^swarm://agent/[^/]\+$'
    let Open = function('swarm#transcript#command', [matchstr(a:name, '[^/]\+$'), '', s:none()])
  else
    return
  endif
  " Not while the editor is still reading: the buffer is replaced by the one that is asked for.
  call timer_start(0, {-> s:replace(bufnr, Open)})
endfunction

function! s:replace(bufnr, Open) abort
  if bufexists(a:bufnr) && !getbufvar(a:bufnr, 'swarm_made', 0)
    let window = swarm#buffer#window(a:bufnr)
    if window
      call win_gotoid(window)
      enew
      call a:Open()
    endif
  endif
endfunction
