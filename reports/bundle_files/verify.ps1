# 归档包验真(Windows)。用法:powershell -ExecutionPolicy Bypass -File metadata\验真.ps1 [归档包编号]
# 核对摘要、文件增减和归档包编号;SM3 和数字签名请用 metadata/验真.sh 或 openssl。不符退出码为 1。
param([string]$Expected = '')

$ErrorActionPreference = 'Stop'
$root = Split-Path -Parent $PSScriptRoot
$script:failed = $false

function Fail([string]$text) {
    Write-Host "不符:$text"
    $script:failed = $true
}

function Test-Manifest([string]$name) {
    $lines = @(Get-Content -LiteralPath (Join-Path $root $name) -Encoding UTF8 | Where-Object { $_ })
    foreach ($line in $lines) {
        $want, $path = $line -split '  ', 2
        $file = Join-Path $root $path
        if (-not (Test-Path -LiteralPath $file -PathType Leaf)) { Fail "缺少 $path"; continue }
        $got = (Get-FileHash -LiteralPath $file -Algorithm SHA256).Hash
        if ($got -ne $want) { Fail "摘要不一致:$path" }
    }
    return $lines.Count
}

foreach ($needed in 'bagit.txt', 'bag-info.txt', 'manifest-sha256.txt', 'tagmanifest-sha256.txt') {
    if (-not (Test-Path -LiteralPath (Join-Path $root $needed) -PathType Leaf)) {
        Write-Host "不符:缺少 $needed"
        exit 1
    }
}

Write-Host '一、其他文件的摘要'
$tags = Test-Manifest 'tagmanifest-sha256.txt'

Write-Host '二、归档文件的摘要'
$payload = Test-Manifest 'manifest-sha256.txt'

Write-Host '三、文件有无增减'
$found = @(Get-ChildItem -LiteralPath $root -Recurse -Force)
# 归档包解压在盘符根目录时,根目录自带分隔符
$start = $root.TrimEnd('\', '/').Length + 1
$all = @($found | Where-Object { -not $_.PSIsContainer } |
    ForEach-Object { $_.FullName.Substring($start).Replace('\', '/') })
$inData = @($all | Where-Object { $_.StartsWith('data/') }).Count
$inSignatures = @($all | Where-Object { $_.StartsWith('signatures/') }).Count
$others = $all.Count - $inData - $inSignatures
if ($inData -ne $payload) { Fail "data 目录下应有 $payload 个文件,实有 $inData 个" }
if ($others -ne $tags + 1) { Fail "data、signatures 以外应有 $($tags + 1) 个文件,实有 $others 个" }
$odd = @($found | Where-Object { $_.Attributes -band [IO.FileAttributes]::ReparsePoint }).Count
if ($odd -ne 0) { Fail "有 $odd 个链接或特殊文件,归档包只能有普通文件" }

Write-Host '四、归档包编号'
$identity = (Get-FileHash -LiteralPath (Join-Path $root 'tagmanifest-sha256.txt') -Algorithm SHA256).Hash.ToLower()
Write-Host "    $identity"
if (-not $Expected) {
    Write-Host '    提示:未提供编号。文件和清单一起重写的伪造,只有核对另行取得的编号或验证签名才能发现'
} elseif ($identity -ne $Expected.ToLower()) {
    Fail "归档包编号与所给编号不一致,应为 $Expected"
}

if ($script:failed) {
    Write-Host '结论:验真不通过'
    exit 1
}
Write-Host '结论:验真通过'
