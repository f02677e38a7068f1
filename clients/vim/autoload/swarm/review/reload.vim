" SPDX-License-Identifier: MIT
" Files that change below the editor's buffers: by a merge, a rejected hunk, an agent. A buffer without
" changes of its own is read anew, with its cursor and its undo; one with changes is never touched.

function! s:buffers() abort
  return filter(getbufinfo({'bufloaded': 1}), 'v:val.name !=# "" && getbufvar(v:val.bufnr, "&buftype") ==# ""')
endfunction

" Of those paths (relative to the root) the ones that a buffer holds with changes that are not saved.
function! swarm#review#reload#unsaved(root, paths) abort
  let changed = {}
  for info in filter(s:buffers(), 'v:val.changed')
    let changed[resolve(info.name)] = 1
  endfor
  return filter(copy(a:paths), 'has_key(changed, resolve(a:root . "/" . v:val))')
endfunction

function! swarm#review#reload#choose() abort
  let clean = !getbufvar(str2nr(expand('<abuf>')), '&modified')
  let v:fcs_choice = clean && v:fcs_reason !=# 'deleted' ? 'reload' : ''
endfunction

function! s:check(infos) abort
  if empty(a:infos)
    return
  endif
  augroup swarm_reload
    autocmd! FileChangedShell * call swarm#review#reload#choose()
  augroup END
  try
    for info in a:infos
      execute 'silent! checktime' info.bufnr
    endfor
  finally
    autocmd! swarm_reload FileChangedShell
  endtry
endfunction

" Looks at the buffers of those files, in whatever worktree they are.
function! swarm#review#reload#paths(paths) abort
  let tails = map(copy(a:paths), '"/" . v:val')
  call s:check(filter(s:buffers(), '!v:val.changed && s:ends(v:val.name, tails)'))
endfunction

function! s:ends(name, tails) abort
  for tail in a:tails
    if strpart(a:name, strlen(a:name) - strlen(tail)) ==# tail
      return 1
    endif
  endfor
  return 0
endfunction

" Looks at all buffers of files below a folder.
function! swarm#review#reload#below(folder) abort
  if a:folder !=# ''
    let folder = resolve(a:folder) . '/'
    call s:check(filter(s:buffers(), '!v:val.changed && stridx(resolve(v:val.name), folder) == 0'))
  endif
endfunction

let s:running = {'starting': 1, 'working': 1}

" What an agent does to its worktree is seen at the end of its turn, or when it asks.
function! s:agent(data) abort
  let was = has_key(s:running, swarm#items#text#of(a:data.old, 'state'))
  if was && !has_key(s:running, a:data.agent.state)
    let folder = swarm#util#path(swarm#items#text#of(a:data.agent, 'worktree'))
    call timer_start(0, {-> swarm#review#reload#below(folder)})
  endif
endfunction

call swarm#event#on('agent', function('s:agent'))
