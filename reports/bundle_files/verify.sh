#!/bin/sh
# 归档包验真。用法:sh metadata/验真.sh [归档包编号] [签名机构证书.pem]
# 只用 sha256sum、find、wc;有 openssl、bagit.py 时多核对几项。任何一项不符,退出码为 1;无法核对,退出码为 2。
# 每条命令各自判断结果,不依赖 set -e。

expected=$1
ca=$2
failed=0

case $ca in
    '' | /*) ;;
    *) ca=$PWD/$ca ;;
esac

fail() {
    echo "不符:$1"
    failed=1
}

check_list() {
    report=$(sha256sum -c "$1" 2>&1) && return
    while IFS= read -r line; do
        case $line in
            *': OK') ;;
            *) echo "    $line" ;;
        esac
    done << END
$report
END
    fail "$2"
}

command -v sha256sum > /dev/null 2>&1 || { echo "无法核对:本机没有 sha256sum"; exit 2; }
case $0 in
    */*) here=${0%/*} ;;
    *) here=. ;;
esac
cd "$here/.." || { echo "无法核对:进不去归档包目录"; exit 2; }
for needed in bagit.txt bag-info.txt manifest-sha256.txt tagmanifest-sha256.txt; do
    [ -f "$needed" ] || { echo "不符:缺少 $needed"; exit 1; }
done

echo "一、其他文件的摘要"
check_list tagmanifest-sha256.txt "清单、目录、事件等文件被改动或缺失(见上)"

echo "二、归档文件的摘要"
check_list manifest-sha256.txt "归档文件被改动或缺失(见上)"

echo "三、文件有无增减"
listed=$(wc -l < manifest-sha256.txt)
found=$(find data -type f | wc -l)
[ "$listed" -eq "$found" ] || fail "data 目录下应有 $listed 个文件,实有 $found 个"
listed=$(wc -l < tagmanifest-sha256.txt)
listed=$((listed + 1))
found=$(find . -type f ! -path './data/*' ! -path './signatures/*' | wc -l)
[ "$listed" -eq "$found" ] || fail "data、signatures 以外应有 $listed 个文件,实有 $found 个"
odd=$(find . ! -type f ! -type d | wc -l)
[ "$odd" -eq 0 ] || fail "有 $odd 个链接或特殊文件,归档包只能有普通文件"

echo "四、归档包编号"
identity=$(sha256sum < tagmanifest-sha256.txt)
identity=${identity%% *}
echo "    $identity"
if [ -z "$expected" ]; then
    echo "    提示:未提供编号。文件和清单一起重写的伪造,只有核对另行取得的编号或验证签名才能发现"
elif [ "$identity" != "$expected" ]; then
    fail "归档包编号与所给编号不一致,应为 $expected"
fi

echo "五、SM3 摘要(可选)"
if [ ! -f metadata/manifest-sm3.txt ]; then
    echo "    跳过:包内没有 SM3 清单"
elif ! command -v openssl > /dev/null 2>&1; then
    echo "    跳过:本机没有 openssl"
elif ! openssl dgst -sm3 bagit.txt > /dev/null 2>&1; then
    echo "    跳过:本机的 openssl 不支持 SM3"
else
    while IFS= read -r line; do
        path=${line#*  }
        digest=$(openssl dgst -sm3 -r "$path")
        [ "${digest%% *}" = "${line%%  *}" ] || fail "SM3 摘要不一致:$path"
    done < metadata/manifest-sm3.txt
fi

echo "六、数字签名(可选)"
bag=${PWD##*/}
signature=
for candidate in "signatures/tagmanifest-sha256.txt.p7s" "../$bag.zip.p7s"; do
    if [ -z "$signature" ] && [ -f "$candidate" ]; then
        signature=$candidate
    fi
done
if [ -z "$signature" ]; then
    if [ -n "$ca" ]; then
        fail "没有找到签名文件"
    else
        echo "    跳过:没有签名文件"
    fi
elif ! command -v openssl > /dev/null 2>&1; then
    if [ -n "$ca" ]; then
        fail "本机没有 openssl,签名无法验证"
    else
        echo "    跳过:本机没有 openssl"
    fi
else
    if [ -n "$ca" ]; then
        signer=$(openssl cms -verify -binary -inform DER -purpose any -no_check_time \
            -partial_chain -no-CApath -no-CAstore -CAfile "$ca" \
            -in "$signature" -content tagmanifest-sha256.txt -out /dev/null -signer /dev/stdout 2> /dev/null) ||
            fail "数字签名验证不通过"
    else
        echo "    提示:未提供签名机构证书,按随包证书验证;只能说明自签名后未改动,不能说明签名人是谁"
        signer=$(openssl cms -verify -binary -inform DER -noverify \
            -in "$signature" -content tagmanifest-sha256.txt -out /dev/null -signer /dev/stdout 2> /dev/null) ||
            fail "数字签名验证不通过"
    fi
    if [ -n "$signer" ]; then
        subject=$(echo "$signer" | openssl x509 -noout -subject -nameopt utf8,sep_comma_plus)
        echo "    签名证书:$subject"
        case $subject in
            *测试*) echo "    提示:测试密钥,只能用于演练,不具法律效力" ;;
        esac
    fi
fi

echo "七、BagIt 通用工具(可选)"
if command -v bagit.py > /dev/null 2>&1; then
    bagit.py --validate --quiet . || fail "bagit.py 校验不通过"
else
    echo "    跳过:本机没有 bagit.py"
fi

if [ "$failed" -ne 0 ]; then
    echo "结论:验真不通过"
    exit 1
fi
echo "结论:验真通过"
